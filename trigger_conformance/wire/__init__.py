"""The one way out: whatever leaves for a target leaves through ``Wire``."""
