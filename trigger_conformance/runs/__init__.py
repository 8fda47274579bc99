"""A run from its first request to its reports, and what is made of several: shards, workers, plans, attestations.

It starts processes, keeps files and is at home in pytest. What a verdict is stands below; commands stand above.
"""
