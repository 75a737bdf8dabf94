"""End runs that nobody wants any more."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from schema.outcome import Done, Outcome, Refused
from schema.runs.commands import AbandonRun, AbandonStale, HaltRun
from schema.runs.rules.run import LIVE, Abandoned, Halted
from schema.runs.tables import run
from tasks.ledger.audit import note as audit
from tasks.runs.loading import load
from tasks.runs.stepping import step
from tasks.unit import Unit

#: Runs that one command abandons; whoever has more repeats it.
PAGE = 500


def abandon(command: AbandonRun, unit: Unit) -> Outcome:
    """The run ends as Abandoned, and with it its work and the runs that it has launched."""
    row = load(unit, command.hub, command.run_hash)
    if row is None:
        return Refused("not_found", f"There is no run {command.run_hash}.")
    after = step(unit, row, Abandoned(command.reason, str(unit.actor)))
    if after is None:
        told = {"Hash": command.run_hash, "Status": row["status"]}
        return Refused("already_final", "The run has already ended.", told)
    audit(unit, command.name, command.run_hash, "done", {"Reason": command.reason})
    return Done({"Status": after["status"], "Hash": command.run_hash})


def halt(command: HaltRun, unit: Unit) -> Outcome:
    """The run ends as Error, and says why. One that has ended already stays as it is."""
    row = load(unit, command.hub, command.run_hash)
    if row is None:
        return Refused("not_found", f"There is no run {command.run_hash}.")
    after = step(unit, row, Halted(command.reason))
    return Done({"Status": (after or row)["status"], "Hash": command.run_hash})


def abandon_stale(command: AbandonStale, unit: Unit) -> Outcome:
    """Order the end of each run of which nothing has been heard for so long."""
    before = unit.now - timedelta(milliseconds=command.older_ms)
    c = run.c
    stale = sa.select(c.run_hash).where(c.hub == command.hub, c.status.in_(LIVE), c.last_event_at < before).order_by(c.ticket).limit(PAGE)
    hashes = list(unit.read(stale).scalars())
    for hash in hashes:
        unit.order(AbandonRun(hub=command.hub, run_hash=hash, reason="stale"))
    return Done({"AbandonedCount": len(hashes)})
