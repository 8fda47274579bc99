"""The one way out: whatever leaves for a target leaves through ``Wire``, waits its turn, is paid for and recorded.

The wire knows HTTP and its ``Destination``; what a request asks, and what an answer is worth, is not known here.
"""
