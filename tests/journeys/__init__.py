"""Whole hubs: real processes, real sockets, real ends."""
