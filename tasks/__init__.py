"""Verbs: every change. The only package with a write connection."""
