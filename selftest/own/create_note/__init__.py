"""A made-up operation beside the suite's own: what it takes to add one."""
