"""The persistence of a hub: how fast its rows follow into another database, and what that costs the hub."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import orjson
import sqlalchemy as sa

from bench import bulk, load
from bench.figures import Row, at_least, at_most, median, percentile, plain
from bench.rig import HUB, Rig, rig
from schema.bridge.commands import reader_of
from schema.bridge.sources import SOURCES
from schema.bridge.tables import assignment
from schema.gateway.tables import connection
from schema.ledger.tables import feed
from tasks.bridge import loading
from tasks.bridge.landing import Landing, Mark
from tasks.bridge.states import NEW
from tasks.gateway.opening import close_all, engine_for
from tasks.kernel import Kernel, new_id
from tasks.unit import look
from tasks.upsert import upsert
from tests.services.databases import PostgreSQL
from tests.services.fixtures import short_folder
from tests.tasks.gateway.targets import config_of
from ultravisor import here

HOW = """\
- **mirror**: a hub with items, each with its event, and nothing over there yet. Loads are made and stored as the databeacon does it, in this
  process; the clock runs from the reading of our rows to the commit over there. The same records then go by the same bulk upsert, ready-made
  and without a mark, into an empty database of that engine: the ratio tells what reading, shaping and marking cost.
- **lag**: 500 items a second come in over HTTP, in batches; each row over there tells when it was written, and when its item was enqueued.
- **burst**: two hubs, one with persistence and one without, take turns in getting items one by one over 16 connections.
- **behind**: a million items wait when the database comes; the databeacon's largest process is looked at four times a second.
"""

ITEMS, QUICK_ITEMS = 40_000, 1_000
PATH, BATCH_PATH = "/Beacon/Work/Enqueue", "/Beacon/Work/Enqueue/Batch"
STATUS = "/Ultravisor/Persistence/Status"
PATIENCE = 1_800.0


def mirror(quick: bool) -> list[Row]:
    """Both engines, items and events."""
    rows = []
    with targets() as fresh:
        for word, url in fresh.items():
            rows += _followed(word, url, QUICK_ITEMS if quick else ITEMS)
    return rows


@contextmanager
def targets() -> Iterator[Mapping[str, Callable[[], str]]]:
    """Empty databases of each engine."""
    with short_folder() as folder:
        (folder / "postgresql").mkdir()
        server = PostgreSQL(folder / "postgresql")
        numbers = iter(range(1_000))
        try:
            yield {"SQLite": lambda: f"sqlite:///{folder / f'target{next(numbers)}.db'}", "PostgreSQL": server.create}
        finally:
            close_all()
            server.close()


def _followed(word: str, url: Callable[[], str], items: int) -> list[Row]:
    with rig(UV_GATEWAY_FILES="/") as hub:
        kernel = hub.kernel({})
        bulk.load_items(kernel.engine, items, live=0)
        first, second = _known(kernel, url(), 1), _known(kernel, url(), 2)
        _assigned(kernel, first)
        seconds, records = _copied(kernel, first)
        bare = _plain(kernel, second, records)
        kernel.engine.dispose()
        kernel.redis.close()
    found = []
    for name, what, goal in (("hub_work_item", "work items", 10_000), ("hub_work_event", "events", 20_000)):
        count = len(records[name])
        found.append(at_least(f"mirror: {what} to {word}, when catching up", goal, count / seconds[name], "rows/s"))
        ratio = bare[name] / seconds[name]
        told = f"{count / bare[name]:,.0f} rows/s"
        found.append(Row(f"mirror: {what} to {word}: plain bulk upsert of the same rows", ">= 0.5", told, round(ratio, 3), ratio >= 0.5))
    return found


def _known(kernel: Kernel, url: str, number: int) -> int:
    kind, config = config_of(url)
    row: dict[str, Any] = {"hub": HUB, "guid": new_id(), "name": f"t{number}", "slug": f"t{number}", "kind": kind, "config": config, "secrets": ""}
    state = {"revision": 1, "status": "OK", "error": "", "connected": True, "auto_connect": False, "description": "", "databeacon": ""}
    now = kernel.now()
    with kernel.engine.begin() as control:
        made = {"created_at": now, "created_by": "bench", "updated_at": now, "updated_by": "bench"}
        key = control.execute(sa.insert(connection).values(**row, **state, **made)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _assigned(kernel: Kernel, id: int) -> None:
    row = {**NEW, "hub": HUB, "connection_id": id, "beacon": "embedded", "state": "waiting-for-beacon", "changed_at": kernel.now()}
    with kernel.engine.begin() as control:
        control.execute(sa.insert(assignment), row)
        control.execute(sa.insert(feed), {"hub": HUB, "guid": "bench", "last": 0, "reader": reader_of(HUB, id), "began_at": kernel.now()})


def _landing(kernel: Kernel, id: int) -> Landing:
    landing = Landing(engine_for(kernel, id, "write"), HUB)
    landing.prepare(engine_for(kernel, id, "build"), "bench")
    landing.enter("bench", kernel.now())
    return landing


def _copied(kernel: Kernel, id: int) -> tuple[dict[str, float], dict[str, list[dict[str, Any]]]]:
    """Seconds by table, and the records that were stored."""
    landing, room = _landing(kernel, id), loading.Room()
    mark = landing.restarted(Mark("bench"), "bench", 0, kernel.now())
    seconds, records = dict.fromkeys(SOURCES, 0.0), {name: list[dict[str, Any]]() for name in SOURCES}
    while mark.copying is not None:
        name, began = mark.copying[0], perf_counter()
        with look(kernel.engine) as control:
            made, _ = loading.loaded(control, HUB, mark, room)
        assert made is not None
        mark = landing.store(mark, "bench", made, kernel.now())
        seconds[name] += perf_counter() - began
        records[name] += made.records[name]
    return seconds, records


def _plain(kernel: Kernel, id: int, records: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, float]:
    """Seconds by table of the bare upsert: ready-made rows, as many in one transaction as a load has."""
    landing = _landing(kernel, id)
    seconds = {}
    for name, source in SOURCES.items():
        rows, began = records[name], perf_counter()
        for start in range(0, len(rows), loading.MOST):
            form, same = landing.form(source, tuple(rows[0]), kernel.now())
            with landing.engine.begin() as there:
                upsert(there, form, rows[start : start + loading.MOST], same)
        seconds[name] = perf_counter() - began
    return seconds


@contextmanager
def kept(**chosen: str) -> Iterator[Rig]:
    """A hub with processes whose rows are kept in the connection that it begins with."""
    with rig("worker", "gateway", "beat", "web", **chosen) as hub:
        _keep(hub)
        _rests(hub)
        yield hub


def _keep(hub: Rig) -> None:
    connections = _until(hub, "/beacon/connections", lambda told: told["Connections"])["Connections"]
    body = {"BeaconID": "embedded", "IDBeaconConnection": connections[0]["IDBeaconConnection"]}
    status, told = here.ask(hub.settings, "/Ultravisor/Persistence/Assign", body, timeout=60)
    if status != 200:
        raise RuntimeError(f"{status} {told}")


def _rests(hub: Rig) -> None:
    _until(hub, STATUS, lambda told: told["State"] == "bootstrapped" and told["LagRows"] == 0)


def _until(hub: Rig, path: str, holds: Callable[[Any], Any], pause: float = 0.1) -> Any:
    deadline = perf_counter() + PATIENCE
    while True:
        status, told = here.ask(hub.settings, path, timeout=60)
        if status == 200 and holds(told):
            return told
        if perf_counter() > deadline:
            raise RuntimeError(f"{path}: {told}")
        sleep(pause)


def lag(quick: bool) -> list[Row]:
    """From the enqueueing of an item to the writing of its row over there."""
    seconds, each, rate = (2, 25, 500) if quick else (20, 25, 500)
    item = {"Capability": "Bench", "Action": "Nothing", "Settings": {"Command": "true"}}
    with kept() as hub:
        began = perf_counter()
        for number in range(seconds * rate // each):
            sleep(max(0.0, began + number * each / rate - perf_counter()))
            here.ask(hub.settings, BATCH_PATH, {"Items": [item] * each}, timeout=60)
        took = perf_counter() - began
        _rests(hub)
        rows = _rows(hub, "SELECT EnqueuedAt, CreateDate FROM UVQueueWorkItem")
    lags = [(_moment(there) - _moment(here_)).total_seconds() * 1000 for here_, there in rows]
    return [
        at_most(f"lag: at {len(rows) / took:,.0f} items/s, p95", 200, percentile(lags, 0.95), "ms"),
        plain("lag: the same, p50 and p99", f"{percentile(lags, 0.5):.0f} ms, {percentile(lags, 0.99):.0f} ms"),
    ]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)


def _rows(hub: Rig, question: str) -> list[Any]:
    file = Path(hub.settings.data, "databases", "local.db")
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as there:
        found = there.execute(question).fetchall()
    there.close()
    return found


def burst(quick: bool) -> list[Row]:
    """The same burst on a hub with persistence and on one without, in turn; then the rows are counted over there."""
    most, rounds = (200, 1) if quick else (5_000, 3)
    body = orjson.dumps({"Capability": "Bench", "Action": "Nothing", "Settings": {"Command": "true"}})
    with ExitStack() as stack:
        hubs = {"with": stack.enter_context(kept()), "without": stack.enter_context(rig("worker", "gateway", "beat", "web"))}
        rates: dict[str, list[float]] = {word: [] for word in hubs}
        for turn in range(rounds + 1):
            for word, hub in hubs.items():
                rate = load.drive(hub, PATH, body, most=most if turn else 100).rate
                if turn:
                    rates[word].append(rate)
                if word == "with":
                    _rests(hub)  # what is brought later must not burden the other hub's turn
        count = _rows(hubs["with"], "SELECT count(*) FROM UVQueueWorkItem")[0][0]
    ratio = median([kept / bare for kept, bare in zip(rates["with"], rates["without"], strict=True)])
    told = f"{median(rates['with']):,.0f} /s, {median(rates['without']):,.0f} /s"
    lost = 100 + rounds * most - count
    return [
        Row(f"burst: {most:,} items with persistence, without", ">= 0.9", told, round(ratio, 3), ratio >= 0.9),
        at_most("burst: items without a row over there", 0, lost, "rows"),
    ]


def behind(quick: bool) -> list[Row]:
    """Many rows wait when the database comes: memory while they are brought."""
    items = 20_000 if quick else 1_000_000
    with rig("web") as hub:
        engine = hub.engine()
        bulk.load_items(engine, items, live=0)
        engine.dispose()
        hub.start("worker", "gateway", "beat")
        _keep(hub)
        sizes: list[float] = []
        began = perf_counter()

        def done(told: Any) -> bool:
            sizes.append(max(hub.resident()["gateway"]))
            return bool(told["State"] == "bootstrapped" and told["LagRows"] == 0)

        _until(hub, STATUS, done, pause=0.25)
        took = perf_counter() - began
        counts = [_rows(hub, f"SELECT count(*) FROM {table}")[0][0] for table in ("UVQueueWorkItem", "UVQueueWorkItemEvent")]
    early = max(sizes[: max(1, len(sizes) // 4)])
    return [
        at_most(f"behind: {items:,} items, rows lost", 0, 2 * items - sum(counts), "rows"),
        plain("behind: rows brought", f"{sum(counts) / took:,.0f} /s"),
        Row(
            "behind: databeacon's largest process, all the time and its first quarter",
            "<= 1.2",
            f"{max(sizes):.0f} MB, {early:.0f} MB",
            round(max(sizes) / early, 3),
            max(sizes) <= 1.2 * early,
        ),
    ]


PARTS = {"mirror": mirror, "lag": lag, "burst": burst, "behind": behind}
