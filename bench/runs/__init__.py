"""`python -m bench runs`: operations, as clients start them and read what became of them."""

from __future__ import annotations

from bench.runs import batch, giant, hashes, lists
from bench.suite import Suite

HOW = """\
Each part has a hub of its own: web with two processes, worker with two, beat, the bundled Redis, SQLite.

- **batch**: an operation of six built-in nodes (start, a value, a template, a replacement, a condition, end). Batches of a hundred, from the first
  request until the last run's row says Complete, five rounds of 2 000 runs, submitted by four connections.
- **hashes**: ten batches of a thousand, ten at once; how many different hashes the answers name, and how long it took until all were answered.
- **lists**: a hub with a million stored runs of twenty operations in all states; the list, its filters, its first page and one from the middle.
- **giant**: a line of five thousand nodes and a small operation take turns; what the workers' memory has grown by, and the processor time of a node
  in either.
"""

SUITE = Suite("runs", "Runs", {"batch": batch.measure, "hashes": hashes.measure, "lists": lists.measure, "giant": giant.measure}, HOW)
