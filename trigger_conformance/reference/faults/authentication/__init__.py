"""Authentication: credentials that are taken too lightly, and refusals in the wrong words."""
