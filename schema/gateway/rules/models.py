"""What a column means to whoever writes records: by its name and by what it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Names that stand for something wherever they occur.
NAMED = {
    "CreateDate": "CreateDate",
    "CreatingIDUser": "CreateIDUser",
    "UpdateDate": "UpdateDate",
    "UpdatingIDUser": "UpdateIDUser",
    "Deleted": "Deleted",
    "DeleteDate": "DeleteDate",
    "DeletingIDUser": "DeleteIDUser",
}

_BY_KIND = {
    "integer": "Numeric",
    "float": "Numeric",
    "decimal": "Numeric",
    "boolean": "Boolean",
    "time": "DateTime",
    "date": "DateTime",
    "clock": "DateTime",
    "json": "JSON",
}

#: What an empty one holds where nothing else is said, by kind.
EMPTY: dict[str, Any] = {"integer": 0, "float": 0, "decimal": 0, "boolean": False, "text": "", "json": {}}


def meadow_type(table: str, column: Mapping[str, Any]) -> str:
    """The first that applies: it counts, it is the table's GUID, its name stands for something, what it holds."""
    if column["IsPrimaryKey"] and column["IsAutoIncrement"]:
        return "AutoIdentity"
    if column["Name"] == f"GUID{table}":
        return "AutoGUID"
    return NAMED.get(column["Name"]) or _BY_KIND.get(column["Kind"], "String")


def default_object(columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A new record as a client would begin it."""
    return {column["Name"]: _default(column) for column in columns if not column["Generated"]}


def _default(column: Mapping[str, Any]) -> Any:
    if column["MeadowType"] in ("AutoIdentity", "Deleted"):
        return 0
    if column["MeadowType"] == "AutoGUID" or column["Kind"] in ("time", "date", "clock"):
        return None
    return EMPTY.get(column["Kind"])


_JSON_TYPES = {"integer": "integer", "float": "number", "decimal": "number", "boolean": "boolean", "json": "object"}


def json_schema(table: str, columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The table as JSON schema."""
    properties = {}
    for column in columns:
        type: Any = _JSON_TYPES.get(column["Kind"], "string")
        told: dict[str, Any] = {"type": [type, "null"] if column["Nullable"] else type}
        if type == "string" and column["MaxLength"]:
            told["maxLength"] = column["MaxLength"]
        properties[column["Name"]] = {**told, **({"readOnly": True} if column["Generated"] else {})}
    required = [
        column["Name"] for column in columns if not (column["Nullable"] or column["DefaultValue"] or column["Kind"] in EMPTY or _made(column))
    ]
    return {"title": table, "type": "object", "properties": properties, "required": required}


def _made(column: Mapping[str, Any]) -> Any:
    """Whether it gets a value without anybody giving one."""
    return column["Generated"] or column["MeadowType"] in ("AutoIdentity", "AutoGUID", *NAMED.values())
