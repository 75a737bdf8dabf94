"""Look what is there in a foreign database, and have it noted."""

from __future__ import annotations

from schema.gateway.commands import Introspect, KeepEntities
from schema.outcome import Outcome, Refused
from tasks.gateway.introspecting import entities
from tasks.gateway.opening import engine_for
from tasks.loose import Desk


def introspect(command: Introspect, desk: Desk) -> Outcome:
    """All of it, or one table; the answer is that of the note."""
    with engine_for(desk.kernel, command.connection, "study").connect() as connection:
        found = entities(connection, command.table)
    if command.table is not None and not found:
        return Refused("not_found", f"Introspected table not found: {command.table}.")
    whole = command.table is None
    return desk.pass_on(KeepEntities(hub=command.hub, connection=command.connection, entities=found, whole=whole, enable=command.enable))
