"""The faults of any operation: one file or folder an area, one small class a fault."""
