"""The faults of schedules alone."""
