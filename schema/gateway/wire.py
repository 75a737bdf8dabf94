"""The gateway's wire: the only place that knows both the clients' names and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from schema.gateway.rules.kinds import MASK
from schema.sql import to_wire

Row = Mapping[Any, Any]


def connection_record(row: Row) -> dict[str, Any]:
    """A connection as clients see it. `Config` is a text, with a mask where there is a secret."""
    config = {**row["config"], **({"password": MASK} if row["secrets"] else {})}
    return {
        "IDBeaconConnection": row["id"],
        "GUIDBeaconConnection": row["guid"],
        "Name": row["name"],
        "Type": row["kind"],
        "Config": orjson.dumps(config).decode(),
        "Status": row["status"],
        "Error": row["error"],
        "Connected": bool(row["connected"]),
        "AutoConnect": bool(row["auto_connect"]),
        "Description": row["description"],
        "RouteHash": row["slug"],
        "Databeacon": row["databeacon"],
        "LastTestedDate": to_wire(row["last_tested_at"]),
        "CreateDate": to_wire(row["created_at"]),
        "UpdateDate": to_wire(row["updated_at"]),
        "Deleted": 0 if row["deleted_at"] is None else 1,
    }
