"""The whole protocol as one table, played against a running hub on each engine: every HTTP exchange, and every frame of those who watch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.sockets.client import Client, Frame
from tests.contracts.exchanges import STORY, Exchange
from tests.contracts.running import Running
from tests.contracts.scripted_client import OverHttp
from tests.contracts.transcript import Check, number, record, rows, text
from tests.services.processes import eventually


def filled(value: Any, known: dict[str, str]) -> Any:
    """The value with what earlier answers brought in the place of its names."""
    if isinstance(value, dict):
        return {name: filled(item, known) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    return known.get(value[1:-1], value) if isinstance(value, str) and value.startswith("{") else value


class Teller:
    """Plays the table, and remembers what was wrong."""

    def __init__(self, port: int) -> None:
        self._client = OverHttp(port)
        self._known: dict[str, str] = {}
        self.wrong: list[str] = []

    def play(self, step: Exchange) -> None:
        answer, found = eventually(lambda: (got := self._ask(step))[1] == [] and got) if step.until else self._ask(step)
        self.wrong += [f"{step.what}: {step.method} {step.path}: {fault}" for fault in found]
        self._known |= {name: answer[source] for name, source in step.keep.items() if source in answer}

    def _ask(self, step: Exchange) -> tuple[Any, list[str]]:
        path, body = step.path.format_map(self._known), filled(step.body, self._known)
        status, answer = self._client.ask(step.method, path, body, headers=dict(step.headers))
        if status != step.status or not isinstance(answer, dict):
            return answer, [f"{status} for {step.status}: {answer}"]
        return answer, [f"{name}: {answer.get(name, 'absent')!r}" for name, check in step.shape.items() if not self._holds(check, answer, name)]

    def _holds(self, check: Check, answer: Frame, name: str) -> bool:
        """Also where the table could only name what was to be expected."""
        value = answer.get(name, KeyError)
        named = [f"{{{name}}}" for name, kept in self._known.items() if kept == value]
        return name in answer and (check(value) or any(map(check, named)))


def test_every_exchange_of_the_original_has_its_status_and_its_names(real_hub: Running) -> None:
    teller = Teller(real_hub.port)
    for step in STORY:
        teller.play(step)
    assert teller.wrong == []


def test_lists_are_bare_arrays(real_hub: Running) -> None:
    client = real_hub.submitter()
    for path in ("/Beacon", "/Beacon/Work", "/Beacon/Affinity"):
        assert isinstance(client.ask("GET", path)[1], list), path


def test_where_our_status_differs_the_manual_says_so() -> None:
    assert {step.status for step in STORY if step.ours} <= {401, 404, 409, 422}
    assert all(step.ours for step in STORY if step.status in (401, 422))


QUEUE_EVENTS: dict[str, dict[str, Check]] = {
    "queue.enqueued": dict.fromkeys(["WorkItemHash", "RunID", "Capability", "Action", "EnqueuedAt"], text)
    | {"Priority": number, "AffinityKey": lambda value: isinstance(value, str)},
    "queue.dispatched": dict.fromkeys(["WorkItemHash", "RunID", "BeaconID", "Capability", "Action", "DispatchedAt"], text)
    | {"QueueWaitMs": number, "AttemptNumber": number},
    "queue.completed": dict.fromkeys(["WorkItemHash", "RunID", "BeaconID", "CompletedAt"], text) | {"DurationMs": number},
    "queue.failed": dict.fromkeys(["WorkItemHash", "RunID", "BeaconID", "Error"], text) | {"Attempt": number},
    "queue.reordered": dict.fromkeys(["WorkItemHash", "Direction"], text) | {"Priority": number},
    "queue.canceled": dict.fromkeys(["WorkItemHash", "RunID", "Reason"], text),
    "queue.cancel_requested": dict.fromkeys(["WorkItemHash", "RunID", "BeaconID", "Reason"], text),
    "queue.stalled": dict.fromkeys(["WorkItemHash", "RunID", "Capability", "Action", "BeaconID", "LastEventAt", "StalledSince"], text)
    | {"StalledSinceMs": number},
    "queue.unstalled": dict.fromkeys(["WorkItemHash", "RunID", "Status", "RecoveredAt"], text),
    "observer.beacon.liveness_changed": dict.fromkeys(["BeaconID", "Name", "From", "To", "Reason", "At"], text),
    "queue.summary": {"At": text, "Buckets": record, "ByCapability": rows},
}


@pytest.fixture
def heard(real_hub: Running) -> Iterator[dict[str, Frame]]:
    """One event of each topic that a story of some items brings about."""
    viewer = real_hub.socket("/ws").say(Action="QueueSubscribe")
    frames = {"queue.summary": viewer.next("queue.summary")}
    tell_a_story(real_hub)
    while missing := QUEUE_EVENTS.keys() - frames.keys():
        frame = viewer.until(lambda frame: frame.get("Topic") in missing)
        frames[frame["Topic"]] = frame
    yield frames
    viewer.cut()


def tell_a_story(hub: Running) -> None:
    client = hub.submitter()
    about = {"Capability": "Stream", "Action": "Any"}
    one, two = client.enqueue(**about), client.enqueue(**about)
    client.ask("POST", f"/Beacon/Work/{two}/Reorder", {"Direction": "up"})
    dropped = client.enqueue(**about)
    client.ask("POST", f"/Beacon/Work/{dropped}/Cancel", {"Reason": "not wanted"})
    id = client.register("stream", "Stream", HeartbeatIntervalMs=1_000)
    client.given(id)
    client.ask("POST", f"/Beacon/Work/{two}/Complete", {"Outputs": {}, "Log": []})
    client.given(id)
    client.ask("POST", f"/Beacon/Work/{one}/Error", {"ErrorMessage": "broken", "Log": []})
    last = client.enqueue(**about)
    client.given(id)
    client.becomes(last, "Stalled")
    client.ask("POST", f"/Beacon/{id}/Heartbeat", {})
    client.becomes(last, "Running")
    client.ask("POST", f"/Beacon/Work/{last}/Cancel", {"Reason": "enough"})


def test_every_queue_event_has_its_envelope_and_its_payload(heard: dict[str, Frame]) -> None:
    wrong = []
    for topic, shape in QUEUE_EVENTS.items():
        frame = heard[topic]
        assert (text(frame["EventGUID"]), number(frame["Seq"]), text(frame["EmittedAt"])) == (True, True, True)
        wrong += [f"{topic}: {name} in {frame['Payload']}" for name, check in shape.items() if not check(frame["Payload"].get(name))]
    assert wrong == []


def test_the_stream_of_one_run_is_accepted_and_left(real_hub: Running, request: pytest.FixtureRequest) -> None:
    viewer: Client = real_hub.socket("/ws")
    request.addfinalizer(viewer.cut)
    viewer.say(Action="Subscribe", RunHash="run-1").say(Action="Unsubscribe", RunHash="run-1").say(Action="Nonsense")
    assert viewer.hear()["EventType"] == "Error", "the only frame that asked for an answer"


def test_an_upload_is_acknowledged_behind_its_binary_frame(real_hub: Running, request: pytest.FixtureRequest) -> None:
    beacon: Client = real_hub.socket()
    request.addfinalizer(beacon.cut)
    beacon.register("upload", ("Upload",))
    hash = real_hub.submitter().enqueue(Capability="Upload")
    beacon.next("WorkItem")
    beacon.say(Action="WorkResultUpload", WorkItemHash=hash, OutputFilename="a.bin", OutputSize=3).raw(b"abc", opcode=2)
    told = beacon.until(lambda frame: frame.get("Action") == "WorkResultUploadAck")
    assert (told["WorkItemHash"], isinstance(told["Success"], bool)) == (hash, True)
