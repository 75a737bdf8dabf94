"""Open the database behind a connection, in a worker. Every road to a foreign database leads through here."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from schema.gateway.rules.kinds import Kind, Place, kind_named, place_of
from schema.gateway.tables import connection
from schema.settings import Settings
from tasks import vault
from tasks.gateway.drivers.engines import open_engine
from tasks.kernel import Closed, Foreign, Kernel
from tasks.unit import look

_ROW = sa.select(*(connection.c[name] for name in ("id", "guid", "hub", "kind", "config", "secrets", "revision", "connected"))).where(
    connection.c.id == sa.bindparam("in_id"), connection.c.deleted_at.is_(None)
)


def row_of(kernel: Kernel, connection_id: int) -> Any:
    """What is stored of a connection. Raises Closed when there is none."""
    with look(kernel.engine) as control:
        row = control.execute(_ROW, {"in_id": connection_id}).one_or_none()
    if row is None:
        raise Closed(f"There is no connection {connection_id}.", "not_found")
    return row


def live_row_of(kernel: Kernel, connection_id: int) -> Any:
    """The same of a connection that is served. Raises Closed."""
    row = row_of(kernel, connection_id)
    if not row.connected:
        raise Closed("Connection is not live. Connect first.", "not_connected")
    return row


def engine_for(kernel: Kernel, connection_id: int, purpose: str, *, live: bool = True) -> sa.Engine:
    """The engine of a connection, of this process and as the connection is defined now. Nothing is connected yet.

    `purpose`: `write`, `ask`, `study` or `build`, see `tasks.gateway.drivers.engines`. `live`: only of a connection that is served. Raises Closed.
    """
    return _engine(kernel, (live_row_of if live else row_of)(kernel, connection_id), purpose)


def foreign(kernel: Kernel, lane: str) -> Foreign:
    """The database of a lane `gateway/<connection>`, for writing; the connection's GUID is our name in it."""
    row = live_row_of(kernel, int(lane.split("/")[1]))
    return Foreign(_engine(kernel, row, "write"), row.guid)


def _engine(kernel: Kernel, row: Any, purpose: str) -> sa.Engine:
    made = _engines(os.getpid())
    known = made.get((row.guid, purpose))
    if known is not None and known[0] == row.revision:
        return known[1]
    fresh = unsaved(kernel.settings, row.kind, row.config, row.secrets, purpose)
    made[(row.guid, purpose)] = (row.revision, fresh)
    if known is not None:
        known[1].dispose()
    return fresh


@lru_cache(maxsize=1)
def _engines(pid: int) -> dict[tuple[str, str], tuple[int, sa.Engine]]:
    """The engines of this process: connections must not be shared with a parent."""
    return {}


def close_all() -> None:
    """Close what this process has opened."""
    made = _engines(os.getpid())
    for _, engine in made.values():
        engine.dispose()
    made.clear()


def unsaved(settings: Settings, type: str, config: dict[str, Any], sealed: str, purpose: str) -> sa.Engine:
    """An engine for a config that need not be stored. Raises Closed for one that cannot be opened whatever the database says."""
    kind = kind_named(type)
    if kind is None:
        raise Closed(f"{type} is no kind of database that is served here.")
    place = place_of(kind, config)
    if isinstance(place, str):
        raise Closed(place)
    place = _admitted(settings, kind, place)
    try:
        return open_engine(kind, place, str(vault.opened(settings, sealed).get("password", "")), purpose)
    except ModuleNotFoundError as error:
        raise Closed(f"{kind.type} needs the Python package {error.name}, which is not installed on this databeacon.") from error
    except vault.WrongKey as error:
        raise Closed(error.text) from error


def _admitted(settings: Settings, kind: Kind, place: Place) -> Place:
    """The place, with its file in full; whoever may name a connection may not thereby reach every file and host. Raises Closed."""
    if kind.engine == "sqlite":
        return Place(file=str(_file(settings, place.file)))
    allowed = [pattern.strip().lower() for pattern in settings.gateway_hosts.split(",") if pattern.strip()]
    if allowed and not any(fnmatchcase((place.host or place.socket).lower(), pattern) for pattern in allowed):
        raise Closed(f"{place.host or place.socket} is not among the hosts of UV_GATEWAY_HOSTS.")
    return place


def _file(settings: Settings, name: str) -> Path:
    roots = [Path(root.strip()).expanduser().resolve() for root in settings.gateway_files.split(",") if root.strip()]
    if not roots:
        roots = [Path(settings.data, "databases").resolve()]
        roots[0].mkdir(mode=0o700, parents=True, exist_ok=True)
    file = Path(roots[0], name).resolve()  # an absolute name replaces the folder
    if not any(file.is_relative_to(root) for root in roots) or file == _own(settings):
        raise Closed("This file is not in a folder of UV_GATEWAY_FILES.")
    if not re.fullmatch(r".+\.(db|sqlite|sqlite3|db3)", file.name):
        raise Closed("A SQLite database has a name that ends in .db, .db3, .sqlite or .sqlite3.")
    return file


def _own(settings: Settings) -> Path | None:
    url = sa.make_url(settings.database_url)
    return Path(url.database).resolve() if url.get_backend_name() == "sqlite" and url.database else None
