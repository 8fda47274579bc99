"""What a check speaks: how it declares its requirement, sends through the client, and says what it expects.

Checks send through ``wire`` alone. What becomes of what they find is not known here.
"""
