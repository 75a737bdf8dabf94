"""What a hub begins with: a database of its own that it could keep its rows in, so that there is something to choose."""

from __future__ import annotations

import sqlalchemy as sa

from schema.gateway.commands import CreateConnection
from schema.gateway.tables import connection
from tasks.kernel import Kernel
from tasks.sweep import ask
from tasks.unit import look

#: The connection's name, and its file in the data folder.
LOCAL, FILE = "local", "local.db"


def begin(kernel: Kernel) -> None:
    """Order the connection where the hub has never had one: who has deleted it does not want it."""
    hub = kernel.settings.hub
    with look(kernel.engine) as control:
        known = control.execute(sa.select(connection.c.id).where(connection.c.hub == hub).limit(1)).scalar()
    if known is None:
        about = "A SQLite file in the data folder of the hub."
        ask(
            kernel,
            CreateConnection(hub=hub, title=LOCAL, kind="SQLite", config={"SQLiteFilePath": FILE}, description=about, auto_connect=True, once=True),
        )
