"""The reference server: an embedded target that keeps the whole contract, and its faults and variants.

It answers, and knows nothing of a run or a verdict: a fault names the requirements that must catch it, and no more.
"""
