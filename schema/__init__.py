"""Nouns: what exists and the laws it obeys. Nothing here connects, sleeps, or asks the clock."""
