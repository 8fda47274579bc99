"""What a check speaks: how it declares its requirement, sends through the client, and says what it expects.

Checks send through ``wire`` alone. What becomes of what they find, and what the user asked for, is not known here.
"""
