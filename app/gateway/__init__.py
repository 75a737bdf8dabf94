"""Foreign databases over HTTP. This process never opens one: a databeacon does."""
