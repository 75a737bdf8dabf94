"""`python -m bench hub`: the whole hub, as clients and beacons meet it."""

from __future__ import annotations

from bench.hub import backlog, enqueue, fleet, lists, poll, through
from bench.suite import Suite

HOW = """\
Each part has a hub of its own: web with two processes, worker with two, beat, the bundled Redis, SQLite. Drivers and beacons are programs of
their own on the same cores, as lean as they can be; how much of a core the driver takes is in the table, and nobody takes it off the figures.

- **enqueue**: 16 connections, each of which waits for its committed answer before it asks again. Single items and batches take turns.
- **through**: a beacon on a WebSocket is done with each item when it gets it, and holds at most 16. Batches: from the first request until
  the last row says Complete, five rounds of 2 000 items, submitted by four connections. Dispatch: 16 callers, each waits for the end of its item.
- **backlog**: two hubs side by side, one with a hundred items that wait and one with a hundred thousand. They take turns, and are kept at their
  depth by as many new items as end.
- **poll**: a beacon with two connections that poll (one second at a time) and report. Items are submitted one by one, some 30 ms apart; the time
  runs from before the request until the beacon has the item. Then a backlog of 2 000.
- **fleet**: beacons register under new names, four at a time.
- **lists**: a hub with a million stored items of which nearly all have ended (two thousand are with beacons), and one where a million wait; every
  list, its filters, its first page and one from the middle, 50 questions each on one connection. The slowest way of each list counts.
"""

SUITE = Suite(
    "hub",
    "The hub",
    {
        "enqueue": enqueue.measure,
        "through": through.measure,
        "backlog": backlog.measure,
        "poll": poll.measure,
        "fleet": fleet.measure,
        "lists": lists.measure,
    },
    HOW,
)
