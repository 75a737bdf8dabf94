"""The task types: a file for each family."""
