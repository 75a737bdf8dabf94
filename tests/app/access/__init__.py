"""Secured mode."""
