"""A databeacon as a beacon of the hub: it is there, takes work items, and carries them out through the lanes of its connections."""
