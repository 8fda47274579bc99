"""The reference server of create batch: its server, its store, and the faults and variants that are its alone."""
