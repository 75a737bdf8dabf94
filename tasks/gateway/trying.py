"""Open a database and ask it something."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import exc

from schema.gateway.commands import NoteTried, TryConfig, TryConnection
from schema.outcome import Done, Outcome
from tasks.gateway.opening import engine_for, unsaved
from tasks.kernel import Closed
from tasks.loose import Desk


def try_connection(command: TryConnection, desk: Desk) -> Outcome:
    """Try it with the rights that it needs, and have the result noted: the answer is that of the note."""
    try:
        trouble = _trouble(engine_for(desk.kernel, command.connection, "write", live=False))
    except Closed as error:
        trouble = str(error)
    return desk.pass_on(NoteTried(hub=command.hub, connection=command.connection, error=trouble, connect=command.connect))


def try_config(command: TryConfig, desk: Desk) -> Outcome:
    """Try what is not stored; nothing is kept of it."""
    try:
        engine = unsaved(desk.kernel.settings, command.kind, command.config, command.sealed, "write")
    except Closed as error:
        return Done({"Success": False, "Error": str(error)})
    trouble = _trouble(engine)
    engine.dispose()
    return Done({"Success": not trouble, **({"Error": trouble} if trouble else {})})


def _trouble(engine: sa.Engine) -> str:
    """What stands in the way of asking the database something, in the driver's first line; empty for nothing."""
    try:
        with engine.connect() as connection:
            connection.execute(sa.select(sa.literal(1))).one()
    except exc.DBAPIError as error:
        return str(error.orig).strip().partition("\n")[0] or type(error.orig).__name__
    except exc.SQLAlchemyError as error:
        return type(error).__name__
    return ""
