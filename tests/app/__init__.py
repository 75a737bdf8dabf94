"""The edge: what it answers, and that it cannot write."""
