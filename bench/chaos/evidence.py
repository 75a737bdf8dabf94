"""What the auditor looks at: the rows, read by the database's driver alone, and what the clients and the beacons noted."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pymysql
import sqlalchemy as sa

from bench.chaos.load import Ledger
from schema.hub.rules.lifecycle import FINAL

Row = dict[str, Any]

_LIVE = "SELECT count(*) AS n FROM hub_work_item WHERE status NOT IN ({})".format(", ".join(f"'{status}'" for status in sorted(FINAL)))
_IN_FLIGHT = f"SELECT ({_LIVE}) + (SELECT count(*) FROM ledger_outbox) + (SELECT count(*) FROM ledger_order) AS n"


class Rows:
    """Reads the control database. What the product's own code believes of it does not count."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url)
        self.engine = self._url.get_backend_name()

    def all(self, statement: str) -> list[Row]:
        """Every row of a question, by column name."""
        with closing(self._connection()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def number(self, statement: str) -> int:
        """The one number of a question that names it n."""
        return int(self.all(statement)[0]["n"])

    def live(self) -> int:
        """Items that have not ended."""
        return self.number(_LIVE)

    def in_flight(self) -> int:
        """Items that have not ended, and what has not left yet."""
        return self.number(_IN_FLIGHT)

    def _connection(self) -> Any:
        url = self._url
        if self.engine == "sqlite":
            return sqlite3.connect(f"file:{url.database}?mode=ro", uri=True, timeout=5)
        if self.engine == "postgresql":
            # psycopg knows the URL by its plain name.
            plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
            return psycopg.connect(plain, autocommit=True, options="-c default_transaction_read_only=on")
        return pymysql.connect(
            host=url.host or "localhost",
            port=url.port or 3306,
            user=url.username,
            password=url.password or "",
            database=url.database,
            unix_socket=url.query.get("unix_socket"),
            charset="utf8mb4",
        )


def of_json(value: Any) -> Any:
    """A JSON column as Python has it; one driver has read it already, others give text."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def moment(value: Any) -> float:
    """A time column in seconds since 1970; drivers give text, times in UTC without saying so, or times with a zone."""
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return float((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


@dataclass(slots=True)
class Evidence:
    """All of it, in the order in which the laws want it."""

    ledger: Ledger
    executions: Counter[str]
    items: dict[str, Row]
    #: The keys under which items were asked for -> their hashes.
    hashes: Mapping[str, list[str]]
    events: Mapping[str, list[Row]]
    attempts: Mapping[str, list[Row]]
    receipts: list[Row]
    tally: list[Row]
    runs: set[str]
    #: beacon id -> name.
    beacons: dict[str, str]
    left: dict[str, int] = field(default_factory=dict)
    integrity: list[str] = field(default_factory=list)


def gather(rows: Rows, ledger: Ledger, executions: Path) -> Evidence:
    """Read everything there is."""
    items = {item["work_item_hash"]: item for item in rows.all("SELECT * FROM hub_work_item")}
    hashes = defaultdict(list)
    for work_item_hash, item in items.items():
        hashes[of_json(item["metadata"]).get("Key", "")].append(work_item_hash)
    evidence = Evidence(
        ledger=ledger,
        executions=Counter(executions.read_text().split()) if executions.exists() else Counter(),
        items=items,
        hashes=hashes,
        events=_by_item(rows.all("SELECT * FROM hub_work_event ORDER BY work_item_hash, seq")),
        attempts=_by_item(rows.all("SELECT * FROM hub_work_attempt ORDER BY work_item_hash, attempt_number")),
        receipts=rows.all("SELECT * FROM ledger_receipt WHERE command = 'hub.enqueue'"),
        tally=rows.all("SELECT * FROM hub_tally"),
        runs={row["run_id"] for row in rows.all("SELECT run_id FROM hub_run")},
        beacons={row["beacon_id"]: row["name"] for row in rows.all("SELECT beacon_id, name FROM hub_beacon")},
    )
    for table in ("ledger_outbox", "ledger_order", "ledger_dead_letter"):
        evidence.left[table] = rows.number(f"SELECT count(*) AS n FROM {table}")
    if rows.engine == "sqlite":
        evidence.integrity = [str(row["integrity_check"]) for row in rows.all("PRAGMA integrity_check")]
    return evidence


def _by_item(rows: list[Row]) -> Mapping[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["work_item_hash"]].append(row)
    return found
