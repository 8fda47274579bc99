"""The faults of create batch alone."""
