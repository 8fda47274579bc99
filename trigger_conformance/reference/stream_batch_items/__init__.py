"""The reference server of a batch's items: its server, its store, and the faults and variants that are its alone."""
