"""What the suite holds a target to: the published documents, and the small pure things that everything stands on.

Nothing here knows a target or a run, and the only I/O is reading the documents.
"""
