"""A beacon, proved from its provider to its process, against a small hub that speaks the real wire."""
