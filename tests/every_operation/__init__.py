"""What holds for every operation; each check here is one requirement of each of them."""
