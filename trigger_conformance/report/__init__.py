"""Reports: one file a format, each a pure function of a run's results.

Nothing here decides a verdict, or knows how the run went on; what a target said is shown as one harmless piece.
"""
