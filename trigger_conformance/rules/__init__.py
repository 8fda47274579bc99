"""What follows from what was seen: histories, models, rate limits, tokens and their forgeries.

Pure functions of exchanges. Nothing here sends, reads files, or knows which check asks.
"""
