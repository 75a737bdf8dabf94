"""The hand: a beacon that does work for an Ultravisor hub, on any machine with Python and a road to the hub.

Nothing here imports the hub, and nothing but the standard library: the folder can be copied to a machine and run.
"""
