"""Idempotency: caches that forget, keys that collide, races of several widths, work that survives its refusal."""
