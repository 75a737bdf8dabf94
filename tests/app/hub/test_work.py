"""The routes of submitters, batches and operators, through the real journal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.main import create_app
from schema.settings import Settings
from tests.app.worker import Worker

pytestmark = pytest.mark.usefixtures("worker")

NO_BEACON = "wi-none"


def post(client: FlaskClient, path: str, status: int = 200, headers: dict[str, str] | None = None, **body: Any) -> Any:
    answer = client.post(path, json=body, headers=headers)
    assert answer.status_code == status, answer.get_json()
    return answer.get_json()


def enqueue(client: FlaskClient, **body: Any) -> str:
    return str(post(client, "/Beacon/Work/Enqueue", Capability="Shell", **body)["WorkItemHash"])


def register(client: FlaskClient, name: str = "ada", **body: Any) -> str:
    return str(post(client, "/Beacon/Register", Name=name, Capabilities=["Shell"], **({"MaxConcurrent": 8} | body))["BeaconID"])


def test_cancel(client: FlaskClient) -> None:
    hash = enqueue(client)
    told = {"Success": True, "WorkItemHash": hash, "Canceled": True, "Status": "Canceled"}
    assert post(client, f"/Beacon/Work/{hash}/Cancel", Reason="why") == post(client, f"/Beacon/Work/{hash}/Cancel") == told
    post(client, f"/Beacon/Work/{NO_BEACON}/Cancel", 404)


def test_a_beacon_is_told_to_cancel_and_a_poll_gives_work_alone(client: FlaskClient) -> None:
    ada = register(client, MaxConcurrent=2)
    hash = enqueue(client)
    assert post(client, "/Beacon/Work/Poll", BeaconID=ada)["WorkItem"]["WorkItemHash"] == hash
    assert post(client, f"/Beacon/Work/{hash}/Cancel")["CancelRequested"] is True
    assert post(client, "/Beacon/Work/Poll", BeaconID=ada) == {"WorkItem": None}
    assert post(client, f"/Beacon/{ada}/Heartbeat")["CancelWorkItems"] == [hash]
    assert post(client, f"/Beacon/Work/{hash}/Complete", Outputs={})["Status"] == "Canceled"
    answer = post(client, f"/Beacon/Work/{enqueue(client)}/Cancel")
    assert answer["Status"] == "Running"


def test_reorder(client: FlaskClient) -> None:
    one, two = enqueue(client), enqueue(client)
    assert post(client, f"/Beacon/Work/{two}/Reorder", Direction="up")["NewPriority"] == 1
    post(client, f"/Beacon/Work/{two}/Reorder", 409, Direction="up")
    post(client, f"/Beacon/Work/{one}/Reorder", 422, Direction="sideways")


def test_the_header_names_the_run_before_the_body(client: FlaskClient) -> None:
    one = post(client, "/Beacon/Run/Start", headers={"X-Idempotency-Key": "a"}, IdempotencyKey="b", SubmitterTag="t", Metadata=None)
    assert one == post(client, "/Beacon/Run/Start", IdempotencyKey="a")
    assert one["RunID"] != post(client, "/Beacon/Run/Start", IdempotencyKey="b")["RunID"]
    assert post(client, f"/Beacon/Run/{one['RunID']}/End") == {"Success": True, "RunID": one["RunID"], "State": "Ended"}
    post(client, "/Beacon/Work/Enqueue", 409, Capability="Shell", RunID=one["RunID"])
    post(client, "/Beacon/Work/Enqueue", 404, Capability="Shell", RunID="rn-none")


def test_batches_tell_wrong_rows_by_their_place(client: FlaskClient) -> None:
    ada = register(client)
    rows = [{"Capability": "Shell"}, {"Capability": 7}, None, {"Capability": "Shell", "Settings": {"maxRetries": 3}}]
    answer = post(client, "/Beacon/Work/Enqueue/Batch", Items=rows)
    assert [item["Index"] for item in answer["Items"]] == [0, 3]
    assert [(error["Index"], error["Code"]) for error in answer["Errors"]] == [(1, "invalid"), (2, "invalid")]
    one, two = (item["WorkItemHash"] for item in answer["Items"])
    done = [{"WorkItemHash": one, "Outputs": {"a": 1}}, {"Outputs": {}}, {"WorkItemHash": NO_BEACON, "BeaconID": ada}]
    told = post(client, "/Beacon/Work/Complete/Batch", Completions=done)
    assert told["Items"] == [{"WorkItemHash": one, "Status": "Completed"}]
    assert [(error["Index"], error["Code"]) for error in told["Errors"]] == [(1, "invalid"), (2, "not_found")]
    assert post(client, "/Beacon/Work/Progress/Batch", Progress=[{"WorkItemHash": two, "Percent": 5}])["Items"] == [
        {"WorkItemHash": two, "Updated": True}
    ]
    post(client, "/Beacon/Work/Progress/Batch", 422, Items=[{"WorkItemHash": two}] * 257)
    post(client, "/Beacon/Work/Complete/Batch", 422)


def test_second_chances(client: FlaskClient) -> None:
    register(client)
    hash = enqueue(client)
    post(client, f"/Beacon/Work/{hash}/Error", ErrorMessage="no")
    assert post(client, f"/Beacon/Work/{hash}/Requeue", Settings={"a": 1}, Priority=2)["Priority"] == 2
    post(client, f"/Beacon/Work/{hash}/Error", ErrorMessage="no")
    assert post(client, "/Beacon/Work/Requeue", Capability="Shell")["WorkItemHashes"] == [hash]
    post(client, f"/Beacon/Work/{hash}/Requeue", 409)


def test_pauses_and_defaults(client: FlaskClient) -> None:
    ada = register(client)
    assert post(client, f"/Beacon/{ada}/Pause")["Drained"] is True
    assert client.get(f"/Beacon/{ada}").get_json()["PausedAt"] is not None
    assert post(client, f"/Beacon/{ada}/Resume")["Paused"] is False
    post(client, "/Beacon/Capability/Shell/Pause", Reason="why")
    assert client.get("/Beacon/Capability/Paused").get_json()["Paused"][0]["Reason"] == "why"
    post(client, "/Beacon/Capability/Shell/Resume")
    set_to = client.put("/Beacon/ActionDefaults", json={"Capability": "Shell", "TimeoutMs": 7})
    assert (set_to.status_code, client.get("/Beacon/ActionDefaults").get_json()) == (200, {"ActionDefaults": [set_to.get_json()]})
    assert client.get(f"/Beacon/Work/{enqueue(client)}").get_json()["TimeoutMs"] == 7
    assert [client.delete("/Beacon/ActionDefaults", json={"Capability": "Shell"}).status_code for _ in range(2)] == [200, 404]


def test_a_delay_a_key_and_a_unique_key_are_understood(client: FlaskClient) -> None:
    first = post(client, "/Beacon/Work/Enqueue", Capability="Shell", UniqueKey="k", NotBefore="2099-01-01T00:00:00Z", ConcurrencyKey="c")
    assert first["Status"] == "Delayed"
    assert post(client, "/Beacon/Work/Enqueue", Capability="Shell", UniqueKey="k") == first | {"Existing": True}
    post(client, "/Beacon/Work/Enqueue", 422, Capability="Shell", NotBefore="2099-01-01T00:00:00")


@pytest.fixture
def strict(environment: dict[str, str], worker: Worker) -> Iterator[FlaskClient]:
    app = create_app(Settings.read(environment | {"UV_MAX_QUEUED": "2", "UV_CLIENT_RATE": "1", "UV_CLIENT_BURST": "3"}))
    yield app.test_client()
    app.extensions["reader"].dispose()


def test_429_with_retry_after(strict: FlaskClient) -> None:
    """Spec 13: admission control, by depth and by client."""
    enqueue(strict)
    enqueue(strict)
    full = strict.post("/Beacon/Work/Enqueue", json={"Capability": "Shell"})
    assert (full.status_code, full.headers["Retry-After"], full.get_json()["Reason"]) == (429, "30", "queued_depth_exceeded")
    fast = strict.post("/Beacon/Work/Enqueue", json={"Capability": "Shell"})
    assert (fast.status_code, fast.get_json()["Reason"]) == (429, "client_rate_limit")
    assert int(fast.headers["Retry-After"]) == fast.get_json()["RetryAfterSeconds"] >= 1


def work_one(app: Flask, beacon: str, kind: str, **body: Any) -> threading.Thread:
    """A beacon in a thread: takes one item and reports."""

    def run() -> None:
        client = app.test_client()
        item = post(client, "/Beacon/Work/Poll", BeaconID=beacon, waitMs=5_000)["WorkItem"]
        post(client, f"/Beacon/Work/{item['WorkItemHash']}/{kind}", BeaconID=beacon, AttemptNumber=item["AttemptNumber"], **body)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_dispatch_answers_with_the_outcome_and_again_for_its_key(app: Flask, client: FlaskClient) -> None:
    beacon = work_one(app, register(client), "Complete", Outputs={"Result": "ok"}, Log=["a"])
    key = {"Idempotency-Key": "k"}
    first = post(client, "/Beacon/Work/Dispatch", headers=key, Capability="Shell")
    assert (first["Success"], first["Outputs"], first["Log"]) == (True, {"Result": "ok"}, ["a"])
    assert post(client, "/Beacon/Work/Dispatch", headers=key, Capability="Shell") == first
    beacon.join()


def test_dispatch_tells_a_failure_as_the_original_does(app: Flask, client: FlaskClient) -> None:
    beacon = work_one(app, register(client), "Error", ErrorMessage="broken")
    answer = post(client, "/Beacon/Work/Dispatch", 500, Capability="Shell")
    assert (answer["Success"], answer["Error"], answer["Code"]) == (False, "broken", "work_failed")
    beacon.join()


def test_dispatch_without_a_beacon_and_beyond_its_time(client: FlaskClient) -> None:
    assert post(client, "/Beacon/Work/Dispatch", 503, Capability="Shell")["Code"] == "no_beacon"
    register(client)
    late = post(client, "/Beacon/Work/Dispatch", 504, Capability="Shell", TimeoutMs=50)
    assert late["Code"] == "wait_over"
    assert client.get(f"/Beacon/Work/{late['WorkItemHash']}").get_json()["Status"] == "Running"
