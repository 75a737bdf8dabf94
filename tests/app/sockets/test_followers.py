"""The events of a run over a socket: each once, in order, and the end only at the end."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from tests.app.sockets.client import Client
from tests.app.sockets.conftest import Web
from tests.schema.runs.graphs import node, operation

ASK = operation(
    [node("ask", "value-input", OutputAddress="Output.word", PromptMessage="Which?"), node("end", "end")],
    ["start.Out>ask.RequestInput", "ask.ValueInputComplete>end.In"],
)
BEFORE = ["ExecutionStart", "TaskComplete", "TaskStart", "TaskWaiting", "ExecutionWaiting"]
AFTER = ["TaskAnswered", "TaskComplete", "TaskComplete", "ExecutionComplete"]


@pytest.fixture
def waiting(web: Web) -> tuple[Web, str]:
    """A run that waits for an answer."""
    assert web.ask("POST", "/Operation", ASK)[0] == 200
    return web, begun(web)


def begun(web: Web) -> str:
    return str(web.ask("POST", "/Operation/op/Execute/Async", {})[1]["RunHash"])


def answer(web: Web, run: str) -> None:
    assert web.ask("POST", f"/PendingInput/{run}", {"NodeHash": "ask", "Value": "this"})[0] == 200


def follow(web: Web, run: str, **more: str) -> Client:
    """One who follows, once that is sure: with a frame that is answered after it."""
    client = web.client().say(Action="Subscribe", RunHash=run, LastEventGUID=more.get("since", "none"))
    client.next("execution.replay_complete" if "since" in more else "execution.reset")
    return client


def history(web: Web, run: str) -> list[dict[str, Any]]:
    return list(web.ask("GET", f"/Manifest/{run}/Events")[1]["Events"])


def heard(client: Client, count: int) -> list[dict[str, Any]]:
    return [client.hear() for _ in range(count)]


def test_events_come_as_they_happen_and_the_end_only_at_the_end(waiting: tuple[Web, str]) -> None:
    web, run = waiting
    client = follow(web, run)
    answer(web, run)
    events = heard(client, len(AFTER))
    assert [event["EventType"] for event in events] == AFTER
    assert [event["Seq"] for event in events] == list(range(len(BEFORE) + 1, len(BEFORE) + len(AFTER) + 1))
    stored = history(web, run)
    assert [event["EventType"] for event in stored] == BEFORE + AFTER
    assert [event["EventGUID"] for event in events] == [event["EventGUID"] for event in stored[len(BEFORE) :]]
    assert events[-1]["Data"].keys() >= {"OperationHash", "Status", "ElapsedMs", "ErrorCount"}
    assert events[-1].keys() == {"EventType", "RunHash", "Data", "EventGUID", "Seq", "EmittedAt"}


def test_whoever_comes_back_gets_what_was_missed_and_then_what_happens(waiting: tuple[Web, str]) -> None:
    web, run = waiting
    first = history(web, run)[0]
    client = web.client().say(Action="Subscribe", RunHash=run, LastEventGUID=first["EventGUID"])
    assert client.hear()["Data"] == {"FromGUID": first["EventGUID"], "Count": 4}
    assert [event["EventType"] for event in heard(client, 4)] == BEFORE[1:]
    assert client.hear()["EventType"] == "execution.replay_complete"
    answer(web, run)
    assert [event["EventType"] for event in heard(client, 4)] == AFTER


def test_whoever_comes_after_the_end_is_told_of_it(waiting: tuple[Web, str]) -> None:
    web, run = waiting
    answer(web, run)
    told = web.client().say(Action="Subscribe", RunHash=run).next("ExecutionComplete")
    assert (told["Data"]["Status"], told["RunHash"]) == ("Complete", run)


def test_one_run_is_followed_and_no_other_and_one_can_stop(waiting: tuple[Web, str]) -> None:
    web, run = waiting
    other = begun(web)
    client = follow(web, run)
    answer(web, other)
    answer(web, run)
    assert {event["RunHash"] for event in heard(client, len(AFTER))} == {run}
    third = begun(web)
    client.say(Action="Subscribe", RunHash=third, LastEventGUID="none").next("execution.reset")
    client.say(Action="Unsubscribe", RunHash=third)
    answer(web, third)
    client.say(Action="Subscribe", RunHash=other)
    assert client.hear()["RunHash"] == other


def test_a_broker_that_is_emptied_loses_no_event(waiting: tuple[Web, str], transport: redis.Redis) -> None:
    web, run = waiting
    client = follow(web, run)
    transport.delete("uv:events:run")
    answer(web, run)
    assert [event["EventType"] for event in heard(client, len(AFTER))] == AFTER


def test_an_event_that_is_lost_is_found_in_the_history(waiting: tuple[Web, str], transport: redis.Redis) -> None:
    web, run = waiting
    client = follow(web, run)
    web.worker.stop()
    transport.xadd(
        "uv:events:run", {"e": b'{"Topic":"execution.TaskStart","Payload":{"RunHash":"%s","Seq":99},"EventGUID":"g","EmittedAt":null}' % run.encode()}
    )
    web.worker.start()
    answer(web, run)
    assert [event["EventType"] for event in heard(client, len(AFTER))] == AFTER


def test_a_run_must_be_named(web: Web) -> None:
    client = web.client().say(Action="Subscribe")
    assert client.next("Error")["Code"] == "invalid"
    client.say(Action="Unsubscribe", RunHash="nobody")
    client.say(Action="Subscribe", RunHash="nobody", LastEventGUID="x")
    assert client.next("execution.reset")["Data"]["Reason"] == "history-too-old"
