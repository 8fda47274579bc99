"""Reports: each format is a pure function of a run's results."""
