"""Sockets of the real server."""
