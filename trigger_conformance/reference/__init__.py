"""The reference server: an embedded target that keeps the whole contract, and its faults and variants.

What any operation has stands here, and what is one operation's alone in a folder of that operation's id.

It answers, and knows nothing of a run or a verdict: a fault names the requirements that must catch it, and no more.
"""
