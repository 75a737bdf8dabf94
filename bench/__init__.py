"""Measurements of the whole: `python -m bench` lists them."""
