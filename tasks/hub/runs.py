"""Runs: what items belong to."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.base import Event
from schema.hub.commands import EndRun, StartRun
from schema.hub.tables import run
from schema.outcome import Done, Outcome, Refused
from schema.sql import to_wire
from tasks.rows import Row
from tasks.unit import Unit

_BY_KEY = sa.select(run).where(run.c.hub == sa.bindparam("of_hub"), run.c.idempotency_key == sa.bindparam("of_key"))


def open_run(unit: Unit, hub: str, submitter_tag: str, metadata: dict[str, Any], key: str | None = None, minted: bool = False, id: str = "") -> str:
    """Add a run, under this id if one is given; `minted` for items that name none. Returns its id."""
    run_id = id or f"rn-{hub}-{round(unit.now.timestamp() * 1000)}-{unit.new_id()[-12:]}"
    row = {
        "run_id": run_id,
        "hub": hub,
        "state": "Active",
        "submitter_tag": submitter_tag,
        "metadata": metadata,
        "started_at": unit.now,
        "idempotency_key": key,
        "minted": minted,
    }
    unit.add(run, row)
    return run_id


def start_run(command: StartRun, unit: Unit) -> Outcome:
    """Open a run, or find the one that its key has opened."""
    if command.idempotency_key is not None:
        known = unit.read(_BY_KEY, {"of_hub": command.hub, "of_key": command.idempotency_key}).mappings().one_or_none()
        if known is not None:
            return _answer(known)
    key = command.idempotency_key
    run_id = open_run(unit, command.hub, command.submitter_tag, command.metadata, key)
    return _answer({"run_id": run_id, "state": "Active", "started_at": unit.now, "idempotency_key": key})


def _answer(row: Row) -> Done:
    return Done(
        {
            "Success": True,
            "RunID": row["run_id"],
            "State": row["state"],
            "StartedAt": to_wire(row["started_at"]),
            "IdempotencyKey": row["idempotency_key"],
        }
    )


def end_run(command: EndRun, unit: Unit) -> Outcome:
    """Close the run. A run that has ended stays as it is, and its state is the answer."""
    row = unit.find(run, (command.run_id,))
    if row is None or row["hub"] != command.hub:
        return Refused("not_found", f"There is no run {command.run_id}.")
    state = row["state"]
    if row["ended_at"] is None:
        state = command.state
        unit.amend(run, (command.run_id,), {"state": state, "ended_at": unit.now})
        unit.announce(Event("queue", "queue.run_ended", {"RunID": command.run_id, "State": state}))
    return Done({"Success": True, "RunID": command.run_id, "State": state})
