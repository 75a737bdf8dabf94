"""Keep a hub's rows in a database of the operator's choice."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.bridge.commands import Assign, reader_of
from schema.bridge.rules.names import EMBEDDED, beacon_named
from schema.bridge.tables import assignment
from schema.bridge.wire import status_record
from schema.gateway.commands import TryConnection
from schema.gateway.tables import connection
from schema.ledger.tables import change, feed
from schema.outcome import Done, Outcome, Refused
from tasks.bridge import states
from tasks.ledger.audit import note
from tasks.unit import Unit

_LIVING = (connection.c.id == sa.bindparam("in_id")) & (connection.c.hub == sa.bindparam("of_hub")) & connection.c.deleted_at.is_(None)
_CONNECTION = sa.select(connection.c.id, connection.c.name, connection.c.databeacon, connection.c.connected).where(_LIVING)
_OTHERS = sa.select(assignment.c.hub).where(assignment.c.connection_id == sa.bindparam("in_id"), assignment.c.hub != sa.bindparam("of_hub"))
_NEWEST = sa.select(sa.func.max(change.c.number)).where(change.c.hub == sa.bindparam("of_hub"))
_FEED = sa.select(feed.c.reader).where(feed.c.hub == sa.bindparam("of_hub"))


def assign(command: Assign, unit: Unit) -> Outcome:
    """From the next transaction on the hub's changes are noted for this connection; what was there before is copied first.

    The same connection again tries it at once, and changes nothing else. A hub that uses the same connection is named in `UsedBy`: it may stay so,
    for each hub's rows carry its id.
    """
    found = unit.read(_CONNECTION, {"of_hub": command.hub, "in_id": command.connection}).one_or_none()
    if found is None:
        return Refused("not_found", f"There is no connection {command.connection}.", {"Success": False})
    beacon = found.databeacon or EMBEDDED
    if command.beacon and beacon_named(command.beacon) != beacon:
        text = f"The connection {found.name} is served by the databeacon {beacon}, not by {command.beacon}."
        return Refused("conflict", text, {"Success": False, "BeaconID": beacon})
    row, reader = states.load(unit, command.hub), reader_of(command.hub, command.connection)
    if row["connection_id"] != command.connection:
        values: dict[str, Any] = {"assigned_at": unit.now, "assigned_by": str(unit.actor), "bootstrapped_at": None}
        row = states.happen(unit, row, "assigned", connection_id=command.connection, beacon=beacon, **values) or row
        _follow(unit, command.hub, reader)
        note(unit, command.name, f"hub {command.hub}", "assigned", {"IDBeaconConnection": command.connection, "Name": found.name})
    if not found.connected:
        unit.order(TryConnection(hub=command.hub, connection=command.connection, connect=True))
    unit.wakes.append(reader)
    others = list(unit.read(_OTHERS, {"of_hub": command.hub, "in_id": command.connection}).scalars())
    shown = status_record(row)
    return Done({"Success": True, "Queue": shown, "Manifest": shown, "UsedBy": others})


def _follow(unit: Unit, hub: str, reader: str) -> None:
    """Open the hub's feed, or lead it elsewhere: its numbers go on, so a database that was left finds its place again."""
    if unit.read(_FEED, {"of_hub": hub}).scalar() is not None:
        unit.change(sa.update(feed).where(feed.c.hub == hub).values(reader=reader))
        return
    newest = unit.read(_NEWEST, {"of_hub": hub}).scalar() or 0
    unit.add(feed, {"hub": hub, "guid": unit.new_id(), "last": newest, "reader": reader, "began_at": unit.now})
