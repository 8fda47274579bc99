"""The faults of environment variables alone."""
