"""Which exceptions pass by themselves, and which are our own mistake."""

from __future__ import annotations

import sqlite3

import redis
from sqlalchemy import exc

#: What SQLite says when waiting helps: another writer, or a disk that an operator must mend. Codes and not words: "no such column:
#: full_name" is our mistake.
_SQLITE_PASSES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
#: PostgreSQL classes and codes: connection, resources, operator intervention, serialization, deadlock, lock timeout, read-only.
_POSTGRES_PASSES = ("08", "53", "57", "58", "40001", "40P01", "55P03", "25006", "25P03")
#: A statement over its time limit: it would take as long again.
_POSTGRES_TIMEOUT = "57014"
#: MariaDB: lock wait timeout, deadlock, row changed since read, too many connections (of all, of the user), server gone, lost, shutdown,
#: read-only, disk full, not reachable, connection killed, idle for too long.
_MARIADB_PASSES = {1205, 1213, 1020, 1040, 1203, 2006, 2013, 1053, 1290, 1021, 2002, 2003, 1927, 4031}


class LostCursor(Exception):
    """Somebody else has moved the lane's cursor: this flush is no longer the writer."""


class LostLease(Exception):
    """The lease ended while the flush worked: somebody else may be the writer."""


class Overtime(Exception):
    """A flush took longer than it may: what it was at hangs, and counts as tried."""


class SchemaMissing(Exception):
    """The database is not at the schema of this release yet."""


class MigrationRunning(Exception):
    """Another process brings the database to the schema of this release."""


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed later without anybody changing it."""
    if isinstance(error, redis.ConnectionError | redis.TimeoutError | redis.BusyLoadingError | redis.ReadOnlyError):
        return True
    if isinstance(error, LostLease | SchemaMissing | MigrationRunning):
        return True
    if not isinstance(error, exc.DBAPIError):
        return isinstance(error, exc.TimeoutError)
    if error.connection_invalidated:
        return True
    origin = error.orig
    module = type(origin).__module__
    if module.startswith("psycopg"):
        state = getattr(origin, "sqlstate", None)
        if state is None:  # the connection itself failed
            return isinstance(error, exc.OperationalError | exc.InterfaceError)
        return str(state).startswith(_POSTGRES_PASSES) and state != _POSTGRES_TIMEOUT
    if module.startswith("pymysql"):  # its errors have a state too, but it says less than their number
        return origin is not None and bool(origin.args) and origin.args[0] in _MARIADB_PASSES
    return getattr(origin, "sqlite_errorcode", 0) & 0xFF in _SQLITE_PASSES
