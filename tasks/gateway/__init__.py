"""Foreign databases: what changes them, and what changes what we know of them."""
