"""End a run's items before their time."""

from __future__ import annotations

import sqlalchemy as sa

from schema.hub.commands import CancelRunWork, CancelWork
from schema.hub.rules.lifecycle import FINAL
from schema.hub.tables import work_item
from schema.outcome import Done, Outcome
from tasks.hub.cancel import cancel
from tasks.unit import Unit

#: Items of one unit; what is left is ordered again.
PAGE = 500


def cancel_run(command: CancelRunWork, unit: Unit) -> Outcome:
    """Cancel each as if somebody had asked for it alone; their holders have the usual grace."""
    c = work_item.c
    live = sa.select(c.work_item_hash).where(c.run_id == command.run_id, c.hub == command.hub, c.status.not_in(FINAL), ~c.cancel_requested)
    if command.node_hash:
        live = live.where(c.node_hash == command.node_hash)
    hashes = list(unit.read(live.limit(PAGE)).scalars())
    for hash in hashes:
        cancel(CancelWork(hub=command.hub, work_item_hash=hash, reason=command.reason), unit)
    if len(hashes) == PAGE:
        unit.order(command)
    return Done({"RunID": command.run_id, "Canceled": len(hashes)})
