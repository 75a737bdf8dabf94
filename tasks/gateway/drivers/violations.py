"""What a database refuses, by its driver's code and never by its words."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import exc

from schema.outcome import Refused

#: A row with this key is there already.
_UNIQUE: set[Any] = {"23505", 1062, 1586, 2601, 2627, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
#: The value does not fit its column: too long, out of range, missing, not of its kind, against a check.
_UNFIT: set[Any] = {
    *("22001", "22003", "22007", "22008", "22P02", "23502", "23514", "22P05", "42804", "428C9", "22021"),
    *(1406, 1264, 1292, 1366, 1048, 1265, 4025, 3819, 1364, 1906, 3105, 8152, 2628, 515, 547, 8115),
    *(sqlite3.SQLITE_CONSTRAINT_NOTNULL, sqlite3.SQLITE_CONSTRAINT_CHECK, sqlite3.SQLITE_MISMATCH),
}
#: The statement was cut short since its time was over.
_OVERTIME: set[Any] = {"57014", 1969, 3024, sqlite3.SQLITE_INTERRUPT}
#: It would leave a row that refers to nothing.
_REFERENCE: set[Any] = {"23503", 1451, 1452, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY}


def code_of(error: exc.DBAPIError) -> Any:
    """The driver's own code: SQLSTATE of PostgreSQL, a number of the others."""
    origin = error.orig
    if type(origin).__module__.startswith("psycopg"):  # others have a state too, but it says less than their number
        return getattr(origin, "sqlstate", None)
    return getattr(origin, "sqlite_errorcode", None) or (origin.args[0] if origin is not None and origin.args else None)


def is_duplicate(error: exc.DBAPIError) -> bool:
    return code_of(error) in _UNIQUE


def is_overtime(error: exc.DBAPIError) -> bool:
    return code_of(error) in _OVERTIME


def refusal(error: exc.DBAPIError) -> Refused | None:
    """What the caller is told, None for what is no fault of the row. The values stay where they are."""
    code = code_of(error)
    if code in _UNIQUE:
        return Refused("duplicate", "Another row has this key already.", {"Constraint": _constraint(error), "DriverCode": str(code)})
    if code in _UNFIT:
        fields = {_column(error) or "*": ["Does not fit."]}
        return Refused("invalid", "A value does not fit its column.", {"Fields": fields, "DriverCode": str(code)})
    if code in _REFERENCE:
        return Refused(
            "conflict", "Another row refers to this one, or this one to none.", {"Constraint": _constraint(error), "DriverCode": str(code)}
        )
    return None


def _constraint(error: exc.DBAPIError) -> str:
    """Its name, or on SQLite the columns that it covers."""
    told = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if told:
        return str(told)
    text = str(error.orig)
    if ": " in text and "constraint failed" in text:
        return text.partition(": ")[2]
    return text.rpartition("for key '")[2].partition("'")[0] if "for key '" in text else ""


def _column(error: exc.DBAPIError) -> str:
    diag = getattr(error.orig, "diag", None)
    if diag is not None:
        return str(diag.column_name or "")
    text = str(error.orig)
    if "column '" in text.lower():
        return text[text.lower().index("column '") + 8 :].partition("'")[0]
    return text.rpartition(".")[2] if "constraint failed: " in text and "." in text else ""
