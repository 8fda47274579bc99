"""The reference server: an embedded target that keeps the whole contract, and its faults and variants."""
