"""Records of a foreign database over HTTP, through a databeacon."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from bench import load
from bench.figures import Row, at_least, median, plain
from bench.rig import Rig, rig
from schema.settings import split_address
from tasks import unit

READ, INSERT = "/1.0/bench/Books/0/10", "/1.0/bench/Book"


def measure(quick: bool) -> list[Row]:
    """Reads, then inserts, in rounds."""
    seconds, rounds = (0.5, 1) if quick else (4.0, 3)
    with rig("worker", "gateway", "beat", "web") as hub:
        _serve(hub)
        drive(hub, READ, b"", 0.5)
        reads = [drive(hub, READ, b"", seconds) for _ in range(rounds)]
        body = orjson.dumps({"Title": "A book", "Pages": 100, "Isbn": "#NUMBER#"})
        inserts = [drive(hub, INSERT, body, seconds) for _ in range(rounds)]
    return [
        at_least("gateway: reads of 10 rows over HTTP, 16 connections", 800, median([run.rate for run in reads]), "/s"),
        plain(
            "gateway: the same, p50 and p99", f"{median([run.time(0.5) for run in reads]):.3g} ms, {median([run.time(0.99) for run in reads]):.3g} ms"
        ),
        at_least("gateway: inserts of one row over HTTP, waiting for the commit", 600, median([run.rate for run in inserts]), "/s"),
        plain(
            "gateway: the same, p50 and p99",
            f"{median([run.time(0.5) for run in inserts]):.3g} ms, {median([run.time(0.99) for run in inserts]):.3g} ms",
        ),
        load.costs("gateway: a read", reads),
        load.costs("gateway: an insert", inserts),
    ]


def drive(hub: Rig, path: str, body: bytes, seconds: float) -> load.Run:
    """Ask for so long."""
    return load.drive(hub, path, body, seconds=seconds)


def _serve(hub: Rig) -> None:
    """A file with a table of ten rows, known, connected and served."""
    folder = Path(hub.settings.data, "databases")
    folder.mkdir(exist_ok=True)
    engine = unit.connect(f"sqlite:///{folder / 'bench.db'}")
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE TABLE Book (IDBook INTEGER PRIMARY KEY AUTOINCREMENT, GUIDBook VARCHAR(36), Title VARCHAR(64), Pages INT, Isbn VARCHAR(20))"
            )
        )
        connection.execute(sa.text("INSERT INTO Book (Title, Pages) VALUES (:t, 1)"), [{"t": f"Book {n}"} for n in range(10)])
    engine.dispose()
    made = _order(hub, "/beacon/connection", {"Name": "bench", "Type": "SQLite", "Config": {"SQLiteFilePath": "bench.db"}})
    id = made["Connection"]["IDBeaconConnection"]
    _order(hub, f"/beacon/connection/{id}/connect", {})
    _order(hub, f"/beacon/endpoint/{id}/Book/enable", {})


def _order(hub: Rig, path: str, body: dict[str, Any]) -> Any:
    client = http.client.HTTPConnection(*split_address(hub.settings.address), timeout=70)
    client.request("POST", path, orjson.dumps(body), {"Content-Type": "application/json", "Prefer": "wait=30"})
    response = client.getresponse()
    told = orjson.loads(response.read())
    client.close()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {told}")
    return told
