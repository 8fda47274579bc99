"""The one way out: whatever leaves for a target leaves through ``Wire``, waits its turn, is paid for and recorded.

The wire knows HTTP and its ``Destination``. It judges no answer, and knows neither checks nor options.
"""
