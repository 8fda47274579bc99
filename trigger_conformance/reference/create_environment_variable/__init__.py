"""The reference server of environment variables: its server, its store, its own faults and variants."""
