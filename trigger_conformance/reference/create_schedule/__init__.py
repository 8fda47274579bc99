"""The reference server of schedules: its server, its store, and the faults and variants that are its alone."""
