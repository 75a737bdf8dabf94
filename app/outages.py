"""Whether a failed question tells of an outage, which passes, or of a mistake of ours, which does not."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exc

#: SQLite's primary codes for a question that is wrong (ERROR) or none (READONLY, AUTH); all others are the file's or the machine's trouble.
_SQLITE_MISTAKES = {1, 8, 23}
#: MariaDB: full, shutting down, killed, or the question was given up.
_MARIADB_OUTAGES = {1040, 1053, 1203, 1226, 1927, 1969}
#: From here on MariaDB's codes are its client's own: not reached, lost, gone.
_MARIADB_CLIENT = 2_000


def is_outage(error: exc.SQLAlchemyError) -> bool:
    """Whether the database and not the question is to blame."""
    if isinstance(error, exc.TimeoutError) or getattr(error, "connection_invalidated", False):
        return True
    origin: Any = getattr(error, "orig", None)
    driver = type(origin).__module__
    if driver.startswith("sqlite3"):
        return getattr(origin, "sqlite_errorcode", 1) & 0xFF not in _SQLITE_MISTAKES
    if driver.startswith("pymysql"):
        # Its driver calls a wrong column an OperationalError as well, so the class says nothing.
        code = origin.args[0] if origin.args else 0
        return not code or code >= _MARIADB_CLIENT or code in _MARIADB_OUTAGES
    return isinstance(error, exc.OperationalError | exc.InterfaceError)
