"""The reference server: an embedded target that keeps the whole contract, and its faults and variants.

It knows nothing of a run, a check or a verdict: faults name the requirements that must catch them, and no more.
"""
