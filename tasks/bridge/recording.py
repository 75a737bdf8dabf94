"""Rows of ours as they are kept there. A run's row is not all of it: its nodes and its history are read with it, few enough at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from schema.among import among
from schema.bridge.records import history_of
from schema.bridge.sources import Source
from schema.runs.tables import node, run, run_event
from tasks.rows import Key

Row = Mapping[Any, Any]

#: Pieces of history that are read at once, and runs: what one manifest is made of lies in memory with that of its neighbours.
EVENTS, RUNS = 5_000, 50

_NODES = sa.select(node).where(among(node.c.run_hash, "runs")).order_by(node.c.started_at, node.c.node_hash)
_TOLD = among(run_event.c.run_hash, "runs") & (run_event.c.seq <= sa.bindparam("most"))
_EVENTS = sa.select(run_event).where(_TOLD).order_by(run_event.c.run_hash, run_event.c.seq)


def recorded(control: sa.Connection, source: Source, rows: Iterable[tuple[Key, Row]]) -> Iterator[tuple[Key, dict[str, Any]]]:
    """The record of each row, in their order."""
    if source.table is not run:
        yield from ((key, source.record(row)) for key, row in rows)
        return
    for part in _parts(rows):
        yield from ((key, source.record(row)) for key, row in _whole(control, part))


def _parts(rows: Iterable[tuple[Key, Row]]) -> Iterator[list[tuple[Key, Row]]]:
    part: list[tuple[Key, Row]] = []
    events = 0
    for key, row in rows:
        if part and (events + history_of(row) > EVENTS or len(part) == RUNS):
            yield part
            part, events = [], 0
        part.append((key, row))
        events += history_of(row)
    if part:
        yield part


def _whole(control: sa.Connection, part: list[tuple[Key, Row]]) -> Iterator[tuple[Key, Row]]:
    """The runs with what belongs to them: one statement for their nodes, one for their history."""
    nodes: dict[str, list[Row]] = {row["run_hash"]: [] for _, row in part}
    events: dict[str, list[Row]] = {row["run_hash"]: [] for _, row in part}
    for found in control.execute(_NODES, {"runs": list(nodes)}).mappings():
        nodes[found["run_hash"]].append(found)
    told = {row["run_hash"]: history_of(row) for _, row in part}
    wanted = [hash for hash, most in told.items() if most]
    if wanted:
        for found in control.execute(_EVENTS, {"runs": wanted, "most": max(told.values())}).mappings():
            if found["seq"] <= told[found["run_hash"]]:
                events[found["run_hash"]].append(found)
    for key, row in part:
        hash = row["run_hash"]
        yield key, {**row, "nodes": nodes[hash], "events": events[hash]}
