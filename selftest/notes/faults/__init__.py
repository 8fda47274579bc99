"""What notes do wrong."""
