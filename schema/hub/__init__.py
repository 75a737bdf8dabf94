"""Beacons and the work they do."""
