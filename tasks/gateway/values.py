"""Values between JSON and a foreign database: lossless where the engine allows it, refused where it does not."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa


class Unfit(ValueError):
    """A value that its column cannot hold."""


class Loosely(sa.types.TypeDecorator[Any]):
    """What SQLite holds is whatever was put there, whatever the column is called: it is read as it is."""

    impl = sa.types.NullType
    cache_ok = True

    def __init__(self, kind: str, scale: int | None = None) -> None:
        super().__init__()
        self.kind, self.scale = kind, scale

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if isinstance(value, datetime):
            return value.isoformat(" ", timespec="milliseconds")
        if isinstance(value, date | time):
            return value.isoformat()
        return str(value) if isinstance(value, Decimal) else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        if self.kind == "time" and isinstance(value, str):
            try:
                return datetime.fromisoformat(value)
            except ValueError:
                return value
        if self.kind == "boolean" and value in (0, 1):
            return bool(value)
        if self.kind == "decimal" and isinstance(value, int | float):
            return Decimal(str(value)) if self.scale is None else Decimal(f"{value:.{self.scale}f}")
        return value


class Document(sa.types.TypeDecorator[Any]):
    """A JSON document that the engine keeps as text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        try:
            return None if value is None else orjson.loads(value)
        except (orjson.JSONDecodeError, TypeError):
            return value  # nobody has promised that it is one


def shown(value: Any) -> Any:
    """A value as JSON has it: times in UTC with milliseconds, exact numbers and bytes as text."""
    match value:
        case None | bool() | int() | float() | str() | list() | dict():
            return value
        case datetime():
            value = value.astimezone(UTC) if value.tzinfo else value
            return f"{value.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
        case bytes() | bytearray() | memoryview():
            return b64encode(bytes(value)).decode()
    return str(value)


def record(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as a JSON object."""
    return {str(name): shown(value) for name, value in row.items()}


def fitting(kind: str, value: Any) -> Any:
    """What a column of this kind holds for a JSON value, or for a text from an address. Raises Unfit."""
    if value is None:
        return None
    try:
        return _FITTERS.get(kind, _text)(value)
    except (ValueError, TypeError, InvalidOperation, OverflowError) as error:
        raise Unfit(f"{str(value)[:80]!r} is no {kind}.") from error


def _whole(value: Any) -> int:
    number = int(value) if not isinstance(value, float) else int(value) if value.is_integer() else _no(value)
    return number if -(2**63) <= number < 2**64 else _no(value)


def _no(value: Any) -> int:
    raise ValueError(value)


def _truth(value: Any) -> bool:
    known = {"1": True, "true": True, "0": False, "false": False, "": False}
    return known[str(value).lower()] if str(value).lower() in known else bool(_no(value))


def moment(value: Any) -> datetime:
    """A time in UTC, without a zone, from ISO text or milliseconds since 1970."""
    if isinstance(value, bool):
        raise TypeError(value)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None)
    found = datetime.fromisoformat(str(value).strip())
    found = found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value if "\0" not in value else str(_no(value))
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


_FITTERS: dict[str, Any] = {
    "integer": _whole,
    "float": float,
    "decimal": lambda value: Decimal(str(value)),
    "boolean": _truth,
    "time": moment,
    "date": lambda value: moment(value).date(),
    "clock": lambda value: time.fromisoformat(str(value)),
    "bytes": lambda value: b64decode(value, validate=True),
    "uuid": lambda value: UUID(str(value)),
    "json": lambda value: value,
    "duration": lambda value: timedelta(seconds=float(value)),
}
