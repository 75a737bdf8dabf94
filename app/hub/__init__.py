"""The hub as clients see it: beacons, work, queue."""
