"""Exercises: loads of known size for a fleet of beacons that pretend to work, with an ideal to compare the hub with."""
