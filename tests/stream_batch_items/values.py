"""Values of items' checks and of their operation."""

# Whose credential a request carries, beside those that every operation knows: its own batch's token, another's.
OF_THE_BATCH, OF_ANOTHER = "its batch's token", "another batch's token"
