"""Reports: one file a format, each a pure function of a run's results.

Nothing here sends or decides a verdict; what a target said is shown as one harmless piece.
"""
