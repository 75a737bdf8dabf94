"""How a failure looks, and how one sees that nothing was stored."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from werkzeug.test import TestResponse

from schema.errors import CODES
from schema.sql import metadata
from tests.app.worker import Worker


def check(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The one shape."""
    body = response.json
    assert (response.status_code, body["Code"]) == (status, code), body
    assert response.mimetype == "application/json"
    assert body["RequestID"] == response.headers["X-Request-ID"]
    assert body["Error"]
    assert CODES[code][0] == status
    return dict(body)


def counts(worker: Worker) -> dict[str, int]:
    """How many rows each table of the product has."""
    tables = [table for table in metadata.sorted_tables if not table.name.startswith("shelf")]
    each = [sa.select(sa.literal(table.name), sa.func.count()).select_from(table) for table in tables]
    with worker.kernel.engine.connect() as connection:
        return {name: count for question in each for name, count in connection.execute(question)}
