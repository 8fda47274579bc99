"""The faults of a batch's items alone."""
