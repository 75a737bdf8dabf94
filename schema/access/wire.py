"""Users, tokens and join secrets as the wire names them. What is secret is in none of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.sql import to_wire

Row = Mapping[Any, Any]


def user_record(row: Row) -> dict[str, Any]:
    """A user, in the shape of the original's UserRecord with what we add."""
    first, _, last = row["full_name"].partition(" ")
    return {
        "LoginID": row["name"],
        "IDUser": row["id"],
        "UserID": row["id"],
        "Roles": [row["role"]],
        "NameFirst": first or row["name"],
        "NameLast": last,
        "FullName": row["full_name"] or row["name"],
        "Email": row["email"],
    }


def token_record(row: Row) -> dict[str, Any]:
    """A token, without what it is."""
    return {"Name": row["name"], "Role": row["role"], "CreatedAt": to_wire(row["created_at"]), "ExpiresAt": to_wire(row["expires_at"])}


def join_secret_record(row: Row) -> dict[str, Any]:
    """A join secret, without what it is; `EndsAt` of one that has been replaced."""
    return {"Name": row["name"], "CreatedAt": to_wire(row["created_at"]), "EndsAt": to_wire(row["ends_at"])}
