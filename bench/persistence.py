"""`python -m bench persistence`: foreign databases over HTTP, through a databeacon."""

from __future__ import annotations

from bench import gateway, mirror
from bench.suite import Suite

HOW = """\
- **gateway**: a SQLite file behind a connection, served by a databeacon of two processes beside web, worker and beat. A driver in a process
  of its own keeps 16 connections busy: with `GET` of a page of 10 rows, and with `POST` of one row, where each answer means that the row is
  committed in the file and known to the hub. All of them share the cores.
"""

SUITE = Suite("persistence", "Foreign databases", {"gateway": gateway.measure, **mirror.PARTS}, HOW + mirror.HOW)
