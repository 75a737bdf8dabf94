"""Databeacons as beacons of the hub: what work items may ask of them."""
