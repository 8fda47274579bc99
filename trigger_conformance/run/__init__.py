"""A run from its first request to its reports: sessions, stations, workers, shards, plans, statements of others.

What is decided stands below: nothing here judges an answer. Nothing of the command line or of pytest's hooks is known.
"""
