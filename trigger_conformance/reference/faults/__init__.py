"""The fault catalogue: one file an area, one small class a fault."""
