"""What submitters and observers of the original must find: boxes 9 to 13 of docs/concepts/compatibility.md, on a running hub, on each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import orjson
import psutil
import pytest

from tests.app.sockets.client import Client
from tests.contracts.running import ENGINES, Running, Submitter, database_of
from tests.services.fixtures import short_folder
from tests.services.processes import PATIENCE, eventually

UNKNOWN = "018f0000-0000-7000-8000-000000000000"


def ask_whole(port: int, method: str, path: str, body: Any = None, cookie: str = "") -> tuple[int, dict[str, str], Any]:
    """Status, headers in lower case, body."""
    line = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    data = None if body is None else orjson.dumps(body)
    line.request(method, path, data, {"Content-Type": "application/json"} | ({"Cookie": cookie} if cookie else {}))
    response = line.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    answer = orjson.loads(response.read())
    line.close()
    return response.status, found, answer


def test_box_09_open_mode_logs_everybody_in_with_a_cookie_and_status_tells_the_mode(real_hub: Running) -> None:
    status, headers, body = ask_whole(real_hub.port, "POST", "/1.0/Authenticate", {"UserName": "anybody", "Password": "anything"})
    cookie = headers["set-cookie"].partition(";")[0]
    assert (status, body["LoggedIn"], cookie) == (200, True, f"SessionID={body['SessionID']}")
    assert "HttpOnly" in headers["set-cookie"]
    assert ask_whole(real_hub.port, "GET", "/1.0/CheckSession", cookie=cookie)[2]["SessionID"] == body["SessionID"]
    assert ask_whole(real_hub.port, "GET", "/status")[2]["AuthMode"] == "promiscuous"


@pytest.fixture(scope="module", params=ENGINES)
def narrow_hub(request: pytest.FixtureRequest) -> Iterator[Running]:
    """One that takes few items, and few at a time."""
    with short_folder() as folder, database_of(request.param, request) as url:
        hub = Running(folder, url, UV_MAX_QUEUED="3", UV_CLIENT_RATE="1000", UV_CLIENT_BURST="1000")
        try:
            yield hub.start()
        finally:
            hub.end()


@pytest.mark.parametrize("path", ["/Beacon/Work/Enqueue", "/Beacon/Work/Dispatch"])
def test_box_10_what_cannot_be_taken_is_429_with_retry_after_and_not_stored(narrow_hub: Running, path: str) -> None:
    client = narrow_hub.submitter()
    client.register("box-10", "Box10b", MaxConcurrent=1)
    while client.ask("POST", "/Beacon/Work/Enqueue", {"Capability": "Box10"})[0] == 200:
        continue
    before = narrow_hub.rows.number("SELECT count(*) AS n FROM hub_work_item")
    status, headers, body = ask_whole(narrow_hub.port, "POST", path, {"Capability": "Box10b" if path.endswith("Dispatch") else "Box10"})
    assert (status, headers["retry-after"], body["Reason"], body["RetryAfterSeconds"]) == (429, "30", "queued_depth_exceeded", 30)
    assert narrow_hub.rows.number("SELECT count(*) AS n FROM hub_work_item") == before == 3


@pytest.fixture
def viewers(real_hub: Running) -> Iterator[Callable[..., Client]]:
    made: list[Client] = []

    def watch(**more: str) -> Client:
        made.append(real_hub.socket("/ws").say(Action="QueueSubscribe", **more))
        return made[-1]

    yield watch
    for viewer in made:
        viewer.cut()


def test_box_11_whoever_comes_back_gets_what_was_missed_and_too_late_is_told(real_hub: Running, viewers: Callable[..., Client]) -> None:
    client, viewer = real_hub.submitter(), viewers()
    viewer.next("queue.summary")
    hashes = [client.enqueue(Capability="Box11") for _ in range(3)]
    seen = [viewer.next("queue.enqueued") for _ in hashes]
    viewer.cut()
    again = viewers(LastEventGUID=seen[0]["EventGUID"])
    begin = again.next("queue.replay_begin")["Payload"]
    missed = [again.hear() for _ in range(begin["Count"])]
    assert (begin["FromGUID"], [event for event in missed if event["Topic"] == "queue.enqueued"]) == (seen[0]["EventGUID"], seen[1:])
    assert again.hear()["Topic"] == "queue.replay_complete"
    assert viewers(LastEventGUID=UNKNOWN).next("queue.reset")["Payload"] == {"Reason": "history-too-old", "LastEventGUID": UNKNOWN}


def test_box_11_the_long_poll_tells_the_same_events_under_the_same_ids_as_the_socket(real_hub: Running, viewers: Callable[..., Client]) -> None:
    client, viewer = real_hub.submitter(), viewers()
    viewer.next("queue.summary")
    first = client.enqueue(Capability="Box11Poll")
    since = viewer.until(lambda frame: frame.get("Payload", {}).get("WorkItemHash") == first)["EventGUID"]
    polled = [pool_of(client, address, since) for address in ("/Queue/Events", "/Observer/Events")]
    id = client.register("box-11", "Box11Poll")
    client.given(id)
    client.ask("POST", f"/Beacon/Work/{first}/Complete", {"Outputs": {}, "Log": []})
    pushed = [viewer.until(lambda frame, topic=topic: frame.get("Topic") == topic)["EventGUID"] for topic in ("queue.dispatched", "queue.completed")]
    for address in ("/Queue/Events", "/Observer/Events"):
        told = client.ask("GET", f"{address}?since={since}")[1]["Events"]
        assert {event["EventGUID"] for event in told} >= set(pushed)
    assert all(waiting.result(PATIENCE)[0] == 200 for waiting in polled)


def pool_of(client: Submitter, address: str, since: str) -> Any:
    """A poll that waits already when something happens."""
    return ThreadPoolExecutor(1).submit(client.ask, "GET", f"{address}?since={since}&waitMs=15000")


def test_box_11_a_poll_for_what_is_forgotten_is_410_with_a_hint(real_hub: Running) -> None:
    for address in ("/Queue/Events", "/Observer/Events"):
        status, _, body = ask_whole(real_hub.port, "GET", f"{address}?since={UNKNOWN}")
        assert (status, body["Reason"], bool(body["Hint"])) == (410, "history-too-old", True)


@pytest.mark.parametrize(("path", "key"), [("/Beacon", "BeaconID"), ("/Beacon/Work", "WorkItemHash")])
def test_box_13_lists_come_in_pages_that_miss_nothing(real_hub: Running, path: str, key: str) -> None:
    client = real_hub.submitter()
    for number in range(5):
        client.register(f"box-13-{number}", "Box13")
        client.enqueue(Capability="Nobody13")
    whole = [row[key] for row in ask_whole(real_hub.port, "GET", f"{path}?limit=1000")[2]]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        _, headers, page = ask_whole(real_hub.port, "GET", f"{path}?limit=2" + (f"&after={cursor}" if cursor else ""))
        assert len(page) <= 2
        found += [row[key] for row in page]
        cursor = headers.get("x-next-cursor")
    assert found == whole


def test_box_13_memory_is_bounded_while_items_pass_through(real_hub: Running) -> None:
    """Items come and go; the web processes keep none of them."""
    client = real_hub.submitter()
    id = client.register("box-13-memory", "Box13Memory", MaxConcurrent=1_000)

    def pass_through(number: int) -> int:
        rows = [{"Capability": "Box13Memory", "Settings": {"Text": "x" * 5_000}} for _ in range(number)]
        assert client.ask("POST", "/Beacon/Work/Enqueue/Batch", {"Items": rows})[0] == 200
        given = [client.given(id)["WorkItemHash"] for _ in range(number)]
        done = [{"WorkItemHash": hash, "Outputs": {"Text": "x" * 5_000}} for hash in given]
        assert client.ask("POST", "/Beacon/Work/Complete/Batch", {"Items": done})[1]["Errors"] == []
        return sum(psutil.Process(pid).memory_info().rss for pid in real_hub.pids("web"))

    pass_through(100)
    before = pass_through(100)
    for _ in range(5):
        after = pass_through(100)
    assert after - before < 2_500 * 10_000, "what passed through meanwhile is 5 MB, and nothing near to it may stay in each process"
    eventually(lambda: client.ask("GET", "/Beacon/Work?limit=1000&status=Running")[1] == [])
