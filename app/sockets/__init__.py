"""WebSockets of beacons and of those who watch: all sockets of a web process in one thread."""
