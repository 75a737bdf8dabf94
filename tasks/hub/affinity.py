"""Which beacon an affinity key means: bound by the first item that is taken, renewed by use, cleared when the beacon leaves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa

from schema.hub.commands import MoveLine
from schema.hub.ids import named_id
from schema.hub.rules import lines
from schema.hub.tables import affinity, work_item
from tasks.rows import Row
from tasks.unit import Unit

#: How long a binding holds after its last use.
TTL = timedelta(hours=1)
#: A binding is renewed when so much of its time has gone: a busy key writes its row now and then, not with each item.
RENEW_AFTER = timedelta(minutes=5)

_SOMEBODY = (
    sa.select(sa.literal(1))
    .where(
        work_item.c.hub == sa.bindparam("of_hub"), work_item.c.status == sa.literal_column("'Pending'"), work_item.c.line == sa.bindparam("of_line")
    )
    .limit(1)
)
_NAMING = (
    sa.select(sa.literal(1))
    .where(
        work_item.c.hub == sa.bindparam("of_hub"),
        work_item.c.status == sa.literal_column("'Pending'"),
        work_item.c.affinity_key == sa.bindparam("of_key"),
    )
    .limit(1)
)


def bindings(unit: Unit, hub: str, affinity_keys: Iterable[str]) -> dict[str, str]:
    """The beacon's id for each of these keys that means one now."""
    ids = {key: named_id(hub, key) for key in affinity_keys if key}
    if not ids:
        return {}
    unit.fetch(affinity, [(id,) for id in ids.values()])
    rows = {key: unit.find(affinity, (id,)) for key, id in ids.items()}
    return {key: row["beacon_id"] for key, row in rows.items() if row is not None and _holds(unit, row)}


def _holds(unit: Unit, row: Row) -> bool:
    return row["expires_at"] is None or row["expires_at"] > unit.now


def bind(unit: Unit, hub: str, affinity_key: str, beacon: tuple[str, str], run_hash: str) -> None:
    """Let the key mean the beacon (id, name) from now on, or for longer if it does already."""
    id = named_id(hub, affinity_key)
    row = unit.find(affinity, (id,))
    until = unit.now + TTL
    values = {"beacon_id": beacon[0], "beacon_name": beacon[1], "run_hash": run_hash, "created_at": unit.now, "expires_at": until}
    if row is None:
        unit.add(affinity, {"id": id, "hub": hub, "affinity_key": affinity_key, **values})
    elif row["expires_at"] is None and _holds(unit, row):
        return
    elif row["beacon_id"] != beacon[0] or not _holds(unit, row):
        unit.amend(affinity, (id,), values)
    elif row["expires_at"] < until - RENEW_AFTER:
        unit.amend(affinity, (id,), {"expires_at": until})


def name(unit: Unit, hub: str, beacon_id: str, beacon_name: str) -> None:
    """A beacon's own name means the beacon, as long as it does not leave. Items that wait for the name elsewhere come to it."""
    id = named_id(hub, beacon_name)
    row = unit.find(affinity, (id,))
    values = {"beacon_id": beacon_id, "beacon_name": beacon_name, "run_hash": "", "created_at": unit.now, "expires_at": None}
    if row is not None and row["expires_at"] is None and row["beacon_id"] == beacon_id:
        return
    if row is None:
        unit.add(affinity, {"id": id, "hub": hub, "affinity_key": beacon_name, **values})
    else:
        unit.amend(affinity, (id,), values)
    _gather(unit, hub, beacon_name)


def _gather(unit: Unit, hub: str, beacon_name: str) -> None:
    """Have items with that key that stand elsewhere come into the line of the name."""
    if unit.read(_NAMING, {"of_hub": hub, "of_key": beacon_name}).first() is not None:
        unit.order(MoveLine(hub=hub, line=f"={beacon_name}"))


def clear(unit: Unit, hub: str, beacon: Row, leaves: bool = False) -> None:
    """Nothing sticks to the beacon any more; with `leaves` its name means nobody either. Who waited for it looks for another place."""
    mine = (affinity.c.hub == hub) & (affinity.c.beacon_id == beacon["beacon_id"])
    unit.change(sa.delete(affinity).where(mine if leaves else mine & affinity.c.expires_at.is_not(None)))
    _scatter(unit, hub, beacon["name"])


def _scatter(unit: Unit, hub: str, beacon_name: str) -> None:
    """Have those in the line of the name look for another place."""
    line = lines.named(beacon_name)
    if unit.read(_SOMEBODY, {"of_hub": hub, "of_line": line}).first() is not None:
        unit.order(MoveLine(hub=hub, line=line))


def forget_expired(unit: Unit, hub: str, most: int) -> None:
    """Delete bindings that hold no more, a page of them; who waits for them looks for another place."""
    old = sa.select(affinity.c.id, affinity.c.beacon_name).where(affinity.c.hub == hub, affinity.c.expires_at <= unit.now).limit(most)
    rows = unit.read(old).all()
    if rows:
        unit.change(sa.delete(affinity).where(affinity.c.id.in_([row.id for row in rows])))
    for beacon_name in {row.beacon_name for row in rows}:
        _scatter(unit, hub, beacon_name)
