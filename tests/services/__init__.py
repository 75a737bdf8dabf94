"""Private services for tests: each one starts when a test first asks for it, in a folder of its own, and ends with the run."""
