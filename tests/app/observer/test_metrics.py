"""Prometheus gets numbers of the whole hub from whichever process it asks, and nothing is written for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import redis
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from app import metrics
from app.main import create_app
from app.reading import recorded
from schema.settings import Settings
from tests.app.observer.conftest import Front
from tests.architecture.house import ROOT
from tests.services.broker import RedisServer
from tests.services.processes import eventually

Numbers = dict[tuple[str, ...], float]


def numbers(app: Flask) -> Numbers:
    response = app.test_client().get("/metrics")
    assert response.status_code == 200
    assert response.mimetype == "text/plain"
    # Labels come in alphabetical order.
    families = text_string_to_metric_families(response.text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


@pytest.fixture
def neighbour(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    yield app
    app.extensions["metrics"].stop()
    app.extensions["reader"].dispose()


def test_the_queue_and_the_beacons(app: Flask, front: Front) -> None:
    front.register()
    done, *_ = front.enqueue(4)
    front.complete(done)
    front.enqueue(1, Capability="Other")
    front.worker.bury()
    eventually(lambda: numbers(app)["ultravisor_outbox_rows",] == 0)
    told = numbers(app)
    assert [told["ultravisor_work_items", "Shell", status] for status in ("Pending", "Running", "Complete", "Error")] == [2, 1, 1, 0]
    assert told["ultravisor_work_items", "Other", "Pending"] == 1
    assert [told["ultravisor_beacons", liveness] for liveness in ("Alive", "Suspect", "Dead")] == [1, 0, 0]
    assert told["ultravisor_dead_letters",] == 1
    assert (told["ultravisor_up", "database"], told["ultravisor_up", "broker"]) == (1, 1)
    assert told["ultravisor_lane_entries", "hub/hub"] == 0


def test_many_capabilities_do_not_make_many_series(app: Flask, front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "CAPABILITIES", 2)
    for number in range(4):
        front.enqueue(number + 1, Capability=f"C{number}")
    told = numbers(app)
    assert {key[1]: value for key, value in told.items() if key[0] == "ultravisor_work_items" and key[2] == "Pending"} == {
        "C3": 4,
        "C2": 3,
        "other": 3,
    }


def test_a_lane_that_waits(app: Flask, idle, transport: redis.Redis) -> None:
    assert app.test_client().post("/Beacon/Work/Enqueue", json={"Capability": "Shell"}, headers={"Prefer": "respond-async"}).status_code == 202
    told = numbers(app)
    assert told["ultravisor_lane_entries", "hub/hub"] == 1
    assert told["ultravisor_lane_lag_seconds", "hub/hub"] >= 0


def test_requests_of_all_processes_are_one_sum(app: Flask, neighbour: Flask, idle) -> None:
    for web, count in ((app, 3), (neighbour, 2)):
        for _ in range(count):
            web.test_client().get("/healthz")
            web.test_client().get("/nowhere/at/all")
            web.test_client().open("/healthz", method="ODDITY")
    neighbour.extensions["metrics"].report()
    told = numbers(app)
    assert told["ultravisor_http_requests_total", "2xx", "GET", "/healthz"] == 5
    assert told["ultravisor_http_requests_total", "4xx", "GET", "other"] == 5
    assert sum(value for key, value in told.items() if key[0] == "ultravisor_http_requests_total" and key[1:3] == ("4xx", "other")) == 5
    assert told["ultravisor_http_request_seconds_count", "2xx", "GET", "/healthz"] == 5
    places = [told["ultravisor_http_request_seconds_bucket", "2xx", end, "GET", "/healthz"] for end in (*map(str, metrics.BUCKETS), "+Inf")]
    assert places == sorted(places)
    assert places[-1] == 5
    app.extensions["metrics"].report()
    assert numbers(app)["ultravisor_http_requests_total", "2xx", "GET", "/healthz"] == 5, "reported once"


def test_what_cannot_be_reported_waits(app: Flask, idle, redis_server: RedisServer) -> None:
    app.test_client().get("/healthz")
    redis_server.kill()
    app.extensions["metrics"].report()
    told = numbers(app)
    assert (told["ultravisor_up", "broker"], told["ultravisor_up", "database"]) == (0, 1)
    redis_server.start()
    eventually(lambda: numbers(app).get(("ultravisor_up", "broker")) == 1)
    assert numbers(app)["ultravisor_http_requests_total", "2xx", "GET", "/healthz"] == 1


def test_without_a_database_the_rest_is_told(app: Flask, redis_url: str) -> None:
    told = numbers(app)
    assert (told["ultravisor_up", "broker"], told["ultravisor_up", "database"]) == (1, 0)


def test_a_scrape_writes_nothing(app: Flask, front: Front, transport: redis.Redis) -> None:
    numbers(app)
    app.extensions["metrics"].report()
    app.extensions["metrics"].stop()
    before = transport.hgetall("uv:requests:hub")
    with recorded() as statements:
        numbers(app)
    app.extensions["metrics"].stop()
    assert len(statements) == 4
    assert transport.hgetall("uv:requests:hub") == before


def test_every_metric_is_in_the_manual(app: Flask, front: Front) -> None:
    front.enqueue()
    manual = (ROOT / "docs/reference/metrics.md").read_text()
    names = {re.sub(r"_(total|count|sum|bucket|created)$", "", key[0]) for key in numbers(app)}
    assert {name for name in names if f"`{name}" not in manual} == set()
