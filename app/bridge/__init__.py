"""Persistence over HTTP."""
