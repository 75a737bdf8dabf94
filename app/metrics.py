"""Numbers for Prometheus, read from where they are kept anyway when somebody asks; nothing is written for the answer.

Requests alone are counted here: each web process adds what it has counted to sums in the broker, at most once a second, so that
whichever process is asked tells of all of them. What they are labelled by are closed sets: routes, classes of status, states.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import redis
import sqlalchemy as sa
from flask import Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app.answers import Blueprint
from app.broker import Broker, broker
from app.hub import questions
from app.hub.here import hub_id
from app.hub.waiting import lanes
from app.ledger.questions import COUNTED, letters_counted, unsent
from app.reading import ask
from schema import envelope as keys
from schema.errors import UltravisorError
from schema.hub.rules.lifecycle import QUEUED, STATUSES
from schema.hub.rules.presence import LIVENESS
from schema.hub.tables import tally

metrics = Blueprint("metrics", __name__, description="Numbers for Prometheus.")

#: Upper ends of the histogram's buckets in seconds. A long poll is meant to take long.
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0)
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
#: Seconds between two reports of one process.
REPORT_SECONDS = 1.0
#: Capabilities with a label of their own, those with most items first; the others are summed up.
CAPABILITIES = 50
OTHER = "other"
#: Lanes that are told of.
LANES = 200

_TALLY = sa.select(tally.c.capability, tally.c.status, sa.func.sum(tally.c["items"]).label("n")).where(tally.c.hub == sa.bindparam("of_hub"))


@metrics.route("/metrics")
@metrics.response(200, content_type="text/plain", description="The text format of Prometheus.")
def page() -> Response:
    """The numbers of the whole hub, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_House())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Metrics:
    """Counts the requests of one process. What could not be reported yet waits for the next time."""

    def __init__(self, app: Flask) -> None:
        self._broker: Broker = app.extensions["broker"]
        self._hub = app.config["SETTINGS"].hub
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()
        self._timer: threading.Timer | None = None
        app.before_request(_begin)
        app.after_request(self._end)

    def report(self) -> None:
        """Add what was counted since the last time to the sums of all processes."""
        with self._lock:
            counted, self._counted, self._timer = self._counted, Counter(), None
        pipe = self._broker.quick.pipeline(transaction=True)
        for name, number in counted.items():
            pipe.hincrby(keys.requests(self._hub), name, number)
        try:
            pipe.execute()
        except redis.RedisError:
            with self._lock:
                self._counted.update(counted)

    def sums(self) -> Counter[str]:
        """What all processes have counted, with what this one has not reported yet."""
        found: Any = self._broker.quick.hgetall(keys.requests(self._hub))
        with self._lock:
            return Counter({name.decode(): int(number) for name, number in found.items()}) + self._counted

    def stop(self) -> None:
        """Report no more by itself."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()

    def _end(self, response: Response) -> Response:
        seconds = perf_counter() - g.get("began", perf_counter())
        route = request.url_rule.rule if request.url_rule is not None else OTHER
        method = request.method if request.method in METHODS else OTHER
        name = f"{method}|{route}|{response.status_code // 100}xx"
        place = next((str(end) for end in BUCKETS if seconds <= end), "+Inf")
        with self._lock:
            self._counted[f"{name}|{place}"] += 1
            self._counted[f"{name}|us"] += int(seconds * 1_000_000)
            if self._timer is None:
                self._timer = threading.Timer(REPORT_SECONDS, self.report)
                self._timer.daemon = True
                self._timer.start()
        return response


def _begin() -> None:
    g.began = perf_counter()


class _House(Collector):
    """Asks the parts when it is itself asked; a part that does not answer is told of as down, and the others go on."""

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("ultravisor_up", "Whether the part answers.", labels=["part"])
        for part, told in (("database", _database), ("broker", _broker)):
            try:
                families = list(told())
            except (UltravisorError, redis.RedisError):
                families = []
                up.add_metric([part], 0)
            else:
                up.add_metric([part], 1)
            yield from families
        yield up


def _database() -> Iterator[Metric]:
    yield _items()
    found = questions.beacons_by_status(hub_id())
    beacons = GaugeMetricFamily("ultravisor_beacons", "Registered beacons by liveness.", labels=["liveness"])
    for liveness in dict.fromkeys(LIVENESS.values()):
        beacons.add_metric([liveness], sum(number for status, number in found.items() if LIVENESS[status] == liveness))
    yield beacons
    yield GaugeMetricFamily("ultravisor_dead_letters", f"Commands that failed again and again; {COUNTED} is that or more.", value=letters_counted())
    rows, oldest = unsent()
    yield GaugeMetricFamily("ultravisor_outbox_rows", f"Commits whose events have not been sent yet; {COUNTED} is that or more.", value=rows)
    age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
    yield GaugeMetricFamily("ultravisor_outbox_age_seconds", "Age of the oldest of them.", value=max(0.0, age))


def _items() -> Metric:
    """Items by capability and state; of those that have ended too, since they are counted anyway."""
    rows = ask(_TALLY.group_by(tally.c.capability, tally.c.status), {"of_hub": hub_id()})
    sizes: Counter[str] = Counter()
    for row in rows:
        sizes[row["capability"]] += int(row["n"]) + (10**12 if row["status"] in QUEUED and row["n"] else 0)
    named = {capability for capability, _ in sizes.most_common(CAPABILITIES)}
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows:
        sums[row["capability"] if row["capability"] in named else OTHER, row["status"]] += int(row["n"])
    items = GaugeMetricFamily("ultravisor_work_items", "Work items by capability and state.", labels=["capability", "status"])
    for capability in sorted({capability for capability, _ in sums}):
        for status in STATUSES:
            items.add_metric([capability, status], sums[capability, status])
    return items


def _broker() -> Iterator[Metric]:
    client = broker().quick
    members: Any = client.smembers(keys.LANES)
    names = sorted(name.decode() for name in members)[:LANES]
    entries = GaugeMetricFamily("ultravisor_lane_entries", "Commands that wait for a flush.", labels=["lane"])
    lag = GaugeMetricFamily("ultravisor_lane_lag_seconds", "For how long the oldest of them has waited.", labels=["lane"])
    for name, (length, milliseconds) in lanes(names).items():
        entries.add_metric([name], length)
        lag.add_metric([name], milliseconds / 1000)
    yield entries
    yield lag
    swept: Any = client.get(keys.SWEPT)
    if swept is not None:
        age = max(0.0, datetime.now(UTC).timestamp() - int(swept) / 1000)
        yield GaugeMetricFamily("ultravisor_sweep_age_seconds", "Since the last sweep ended: beat and a worker are alive.", value=age)
    yield from _requests()


def _requests() -> Iterator[Metric]:
    labels = ["method", "route", "code"]
    counts = CounterMetricFamily("ultravisor_http_requests", "Answered requests.", labels=labels)
    times = HistogramMetricFamily("ultravisor_http_request_seconds", "Until the first byte of the answer.", labels=labels)
    found: dict[tuple[str, ...], dict[str, int]] = {}
    counter: Metrics = current_app.extensions["metrics"]
    for name, number in counter.sums().items():
        *of, place = name.split("|")
        found.setdefault(tuple(of), {})[place] = number
    for kind, places in sorted(found.items()):
        total, buckets = 0, []
        for end in (*map(str, BUCKETS), "+Inf"):
            total += places.get(end, 0)
            buckets.append((end, total))
        counts.add_metric(kind, total)
        times.add_metric(kind, buckets, places.get("us", 0) / 1_000_000)
    yield counts
    yield times
