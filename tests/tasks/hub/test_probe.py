"""Beacons are tried where they say that they listen, if the operator lets the hub; what is found is noted once, for what was asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from schema import envelope as keys
from schema.hub.probe_commands import NoteProbes, ProbeBeacons
from schema.hub.rules.probing import Target, allowed
from tasks.hub import probing
from tests.services.processes import free_port
from tests.tasks.hub.conftest import Hub

Calls = list[tuple[str, list[str]]]


class Listener(BaseHTTPRequestHandler):
    """A beacon's own door: it answers every path, and notes who came."""

    seen: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        type(self).seen.append((self.path, self.headers.get("Host")))
        self.send_response(302)
        self.send_header("Location", "http://192.0.2.1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def listening() -> Iterator[tuple[int, list[tuple[str, str | None]]]]:
    """A port at which somebody answers, and who has come."""
    kind = type("Own", (Listener,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, kind.seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def calls(hub: Hub) -> Calls:
    """The tasks that the hub has rung for."""
    found: Calls = []
    hub.kernel = replace(hub.kernel, call=lambda task, arguments, seconds: found.append((task, *arguments)))
    return found


def allow(hub: Hub, text: str) -> None:
    hub.kernel = replace(hub.kernel, settings=replace(hub.kernel.settings, probe_allow=text))


def probed(hub: Hub, *beacons: str) -> Any:
    """The row of a beacon, after a task has done what was asked."""
    probing.probe_all(hub.kernel, beacons)
    hub.flush()
    return rows(hub)[beacons[0]]


def rows(hub: Hub) -> dict[str, Any]:
    return {row.beacon_id: row for row in hub.rows("SELECT * FROM hub_probe")}


def at(port: int, host: str = "127.0.0.1") -> list[dict[str, Any]]:
    return [{"IP": host, "Port": port, "Protocol": "http"}]


def test_who_answers_is_reachable_and_is_asked_once_for_its_root(hub: Hub, calls: Calls) -> None:
    allow(hub, "127.0.0.0/8")
    with listening() as (port, seen):
        ada = hub.register("ada", bind_addresses=at(port))
        assert calls == [("probe", [ada])]
        row = probed(hub, ada)
        assert (row.status, row.url, row.detail) == ("reachable", f"http://127.0.0.1:{port}/", "It answered 302.")
        assert row.latency_ms >= 0
        assert seen == [("/", f"127.0.0.1:{port}")], "no redirect is followed"
    event = orjson.loads(hub.kernel.redis.xrevrange(keys.events("beacon"), count=1)[0][1][b"e"])
    assert (event["Topic"], event["Payload"]) == ("beacon.probed", {"BeaconIDs": [ada]})


def test_where_nobody_listens_it_is_unreachable(hub: Hub, calls: Calls) -> None:
    allow(hub, "127.0.0.0/8")
    row = probed(hub, hub.register("ada", bind_addresses=at(free_port())))
    assert (row.status, row.latency_ms) == ("unreachable", None)
    assert "refused" in row.detail.lower()


def test_the_second_address_counts_too(hub: Hub, calls: Calls) -> None:
    allow(hub, "127.0.0.0/8")
    with listening() as (port, _):
        row = probed(hub, hub.register("ada", bind_addresses=[*at(free_port()), *at(80, "10.0.0.1"), *at(port)]))
    assert (row.status, row.url) == ("reachable", f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_what_is_not_allowed_is_not_called(hub: Hub, calls: Calls, host: str) -> None:
    allow(hub, "10.0.0.0/8")
    with listening() as (port, seen):
        row = probed(hub, hub.register("ada", bind_addresses=at(port, host)))
        assert seen == []
    assert row.status == "refused"
    assert "UV_PROBE_ALLOW" in row.detail


def test_a_name_is_allowed_by_its_name(hub: Hub, calls: Calls) -> None:
    allow(hub, "localhost")
    with listening() as (port, seen):
        assert probed(hub, hub.register("ada", bind_addresses=at(port, "localhost"))).status == "reachable"
        assert [host for _, host in seen] == [f"localhost:{port}"]


def test_whoever_allows_nothing_has_nothing_tried_by_itself(hub: Hub, calls: Calls) -> None:
    ada, bob = hub.register("ada", bind_addresses=at(1)), hub.register("bob")
    assert calls == []
    assert hub.done(ProbeBeacons(hub="h"))[0]["Asked"] == [ada]
    assert calls == [("probe", [ada])]
    assert probed(hub, ada, bob).status == "refused"
    assert hub.refused(ProbeBeacons(hub="h", beacon_ids=[ada, "nobody"])) == "not_found"


def test_other_addresses_make_what_was_found_worthless(hub: Hub, calls: Calls) -> None:
    allow(hub, "127.0.0.0/8")
    ada = hub.register("ada", bind_addresses=at(free_port()))
    probed(hub, ada)
    hub.register("ada", bind_addresses=at(2))
    assert rows(hub)[ada].probed_at is None
    assert calls == [("probe", [ada])] * 2
    hub.register("ada", bind_addresses=at(2))
    assert len(calls) == 2, "the same addresses are not tried again"
    hub.register("ada")
    assert rows(hub) == {}


def test_a_result_of_an_earlier_request_is_dropped(hub: Hub, calls: Calls) -> None:
    ada = hub.register("ada", bind_addresses=at(1))
    hub.done(ProbeBeacons(hub="h"))
    late = {"BeaconID": ada, "Asked": 1, "Status": "reachable", "URL": "http://x/", "Detail": "", "LatencyMs": 1}
    assert hub.done(NoteProbes(hub="h", results=[late])) == [{"Noted": []}]
    assert rows(hub)[ada].status is None
    hub.clock.ahead = timedelta(seconds=1)
    hub.done(ProbeBeacons(hub="h", beacon_ids=[ada]))
    assert len(rows(hub)) == 1


def test_a_listener_that_says_nothing_costs_its_time_and_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target("http", "127.0.0.1", silent.getsockname()[1])
        status, detail = probing.attempt(target, allowed("127.0.0.1"), 0.1)
    assert status == "unreachable"
    assert "Timeout" in detail


def test_a_listener_that_speaks_something_else_is_unreachable() -> None:
    def speak(server: socket.socket) -> None:
        line, _ = server.accept()
        with line:
            line.recv(1_000)
            line.sendall(b"\x00\xffSSH-2.0-nonsense\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=speak, args=(server,))
        thread.start()
        status, _ = probing.attempt(Target("http", "127.0.0.1", server.getsockname()[1]), allowed("127.0.0.1"), 5)
        thread.join()
    assert status == "unreachable"


def test_a_name_that_means_nothing_is_said() -> None:
    status, detail = probing.attempt(Target("http", "no-such-host.invalid", 80), allowed("no-such-host.invalid"), 5)
    assert (status, "cannot be resolved" in detail) == ("unreachable", True)
