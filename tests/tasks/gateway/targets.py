"""Foreign databases for tests: empty ones of each engine, as the gateway opens them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.gateway.rules.kinds import Place, kind_named, place_of
from tasks.gateway.drivers.engines import open_engine


def config_of(url: str) -> tuple[str, dict[str, Any]]:
    """Type and config of a connection to the database at this address."""
    parts = sa.make_url(url)
    if parts.get_backend_name() == "sqlite":
        return "SQLite", {"SQLiteFilePath": parts.database}
    if parts.get_backend_name() == "postgresql":
        return "PostgreSQL", {"socketPath": parts.query["host"], "user": parts.username, "database": parts.database}
    return "MySQL", {"socketPath": parts.query["unix_socket"], "user": parts.username, "database": parts.database}


def opened(url: str, purpose: str) -> sa.Engine:
    """The database as a databeacon opens it for this purpose."""
    type, config = config_of(url)
    kind = kind_named(type)
    assert kind is not None
    place = place_of(kind, config)
    assert isinstance(place, Place)
    return open_engine(kind, place, "", purpose)
