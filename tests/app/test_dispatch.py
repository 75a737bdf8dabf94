"""Commands leave through the journal and come back as committed outcomes, or the caller is told exactly what nobody knows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app.dispatch import Dispatcher
from schema import envelope as keys
from schema.base import Actor
from schema.errors import OutcomeUnknown, Overloaded, Unavailable
from schema.ledger.commands import DiscardDeadLetter, Retain
from schema.ledger.tables import audit, dead_letter, receipt
from schema.outcome import Done, Refused
from schema.settings import Settings
from tests.app.worker import Worker, pending
from tests.services.broker import RedisServer
from tests.services.processes import PATIENCE, eventually, free_port


@pytest.fixture
def dispatcher(app: Flask) -> Dispatcher:
    found: Dispatcher = app.extensions["dispatcher"]
    return found


def in_background(call: Callable[[], Any]) -> Future[Any]:
    """Start the call in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return future


def test_the_outcome_of_the_verb_comes_back(dispatcher: Dispatcher, worker: Worker) -> None:
    letter = worker.bury()
    assert dispatcher.dispatch(DiscardDeadLetter(dead_letter=letter)) == Done({"DeadLetter": letter})
    assert dispatcher.dispatch(DiscardDeadLetter(dead_letter=letter)) == Refused("not_found", "There is no such dead letter.")
    assert worker.count(dead_letter) == 0


def test_the_doorbell_is_rung_once_for_a_crowd(dispatcher: Dispatcher, idle: Worker, transport: redis.Redis) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(dispatcher.dispatch, DiscardDeadLetter(dead_letter=str(n))) for n in range(8)]
        eventually(lambda: pending(transport) == 8)
        assert transport.llen("flush") == 1
        idle.start()
        assert {result.result().code for result in results} == {"not_found"}


def test_the_doorbell_rings_after_flushall(dispatcher: Dispatcher, worker: Worker, redis_server: RedisServer) -> None:
    dispatcher.dispatch(DiscardDeadLetter(dead_letter="a"))
    worker.stop()
    redis_server.flush()
    worker.start()
    rung = worker.rung
    assert isinstance(dispatcher.dispatch(DiscardDeadLetter(dead_letter="a")), Refused)
    assert worker.rung == rung + 1


def test_the_same_key_gives_the_same_outcome_and_one_change(dispatcher: Dispatcher, worker: Worker) -> None:
    command = DiscardDeadLetter(dead_letter=worker.bury())
    first = dispatcher.dispatch(command, key="k")
    assert [dispatcher.dispatch(command, key="k") for _ in range(3)] == [first] * 3
    assert worker.count(audit) == 1
    assert dispatcher.dispatch(command, key="k", actor=Actor("user", "other")) == Refused("not_found", "There is no such dead letter.")
    reused = dispatcher.dispatch(DiscardDeadLetter(dead_letter="other"), key="k")
    assert isinstance(reused, Refused)
    assert reused.code == "key_reused"


def test_many_commands_are_appended_together_and_answered_one_by_one(dispatcher: Dispatcher, worker: Worker, transport: redis.Redis) -> None:
    letters = [worker.bury() for _ in range(50)]
    commands = [DiscardDeadLetter(dead_letter=letter) for letter in [*letters, "none"]]
    outcomes = dispatcher.dispatch_many(commands, key="batch")
    assert outcomes[:-1] == [Done({"DeadLetter": letter}) for letter in letters]
    assert isinstance(outcomes[-1], Refused)
    assert dispatcher.dispatch_many(commands, key="batch") == outcomes
    assert worker.count(audit) == 50
    assert dispatcher.dispatch_many([]) == []
    assert isinstance(dispatcher.dispatch(DiscardDeadLetter(dead_letter="next")), Refused), "the connection is still in step"


def test_many_commands_nobody_answers_are_unknown_each_by_its_key(dispatcher: Dispatcher, idle: Worker) -> None:
    outcomes = dispatcher.dispatch_many([DiscardDeadLetter(dead_letter="a")] * 3, key="batch", wait=0.05)
    assert [outcome.evidence["key"] for outcome in outcomes if isinstance(outcome, OutcomeUnknown)] == ["batch/0", "batch/1", "batch/2"]
    idle.start()
    assert isinstance(dispatcher.dispatch(Retain()), Done)


def test_commands_of_several_lanes_are_never_mixed(dispatcher: Dispatcher) -> None:
    class Elsewhere(Retain):
        lane = "elsewhere"  # type: ignore[assignment]  # a property in its parent

    with pytest.raises(ValueError, match="lanes"):
        dispatcher.dispatch_many([Retain(), Elsewhere()])


def test_no_answer_in_time_is_unknown_and_the_repetition_finds_the_stored_outcome(dispatcher: Dispatcher, idle: Worker) -> None:
    command = DiscardDeadLetter(dead_letter=idle.bury())
    with pytest.raises(OutcomeUnknown) as unknown:
        dispatcher.dispatch(command, wait=0)
    assert unknown.value.evidence["appended"]
    idle.flush()
    idle.start()
    assert dispatcher.dispatch(command, key=unknown.value.evidence["key"]) == Done({"DeadLetter": command.dead_letter})
    assert (idle.count(audit), idle.count(receipt)) == (1, 1)


def test_a_reply_that_came_too_late_does_not_answer_the_next_command(dispatcher: Dispatcher, idle: Worker) -> None:
    letter = idle.bury()
    with pytest.raises(OutcomeUnknown):
        dispatcher.dispatch(DiscardDeadLetter(dead_letter=letter), wait=0.02)
    idle.start()
    assert isinstance(dispatcher.dispatch(DiscardDeadLetter(dead_letter="other")), Refused)


def test_a_broker_that_is_not_there_accepts_nothing(settings: Settings) -> None:
    nowhere = Settings.read({"UV_DATA": settings.data, "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"})
    with pytest.raises(Unavailable):
        Dispatcher(nowhere).dispatch(Retain())
    with pytest.raises(Unavailable):
        Dispatcher(nowhere).submit(Retain())


def test_a_broker_that_comes_back_is_used_again_by_the_same_thread(dispatcher: Dispatcher, worker: Worker, redis_server: RedisServer) -> None:
    assert isinstance(dispatcher.dispatch(Retain()), Done)
    redis_server.kill()
    with pytest.raises(Unavailable):
        dispatcher.dispatch(Retain())
    redis_server.start()
    # The bell that was rung before the crash may still be standing: what the sweep would do after two seconds is done here.
    answer = in_background(lambda: dispatcher.dispatch(Retain(), wait=10))
    eventually(lambda: worker.flush() or answer.done())
    assert isinstance(answer.result(PATIENCE), Done)


def test_a_broker_killed_between_append_and_reply_leaves_the_outcome_unknown(
    dispatcher: Dispatcher, idle: Worker, redis_server: RedisServer, transport: redis.Redis
) -> None:
    command = DiscardDeadLetter(dead_letter=idle.bury())
    answer = in_background(lambda: dispatcher.dispatch(command, key="mine"))
    eventually(lambda: pending(transport))
    redis_server.kill()
    with pytest.raises(OutcomeUnknown) as unknown:
        answer.result(PATIENCE)
    assert unknown.value.evidence == {"key": "mine", "receipt": keys.receipt_id(Actor("anonymous"), "mine"), "appended": True}
    redis_server.start()
    idle.flush()
    assert idle.count(audit) == 1, "it was in the append-only file"
    idle.start()
    assert dispatcher.dispatch(command, key="mine") == Done({"DeadLetter": command.dead_letter})
    assert idle.count(audit) == 1


def test_a_broker_that_hangs_during_the_append_leaves_the_outcome_unknown(
    dispatcher: Dispatcher, idle: Worker, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.dispatch.APPEND_SECONDS", 0.2)
    with pytest.raises(OutcomeUnknown):
        dispatcher.dispatch(Retain(), wait=0)  # connects
    redis_server.pause()
    with pytest.raises(OutcomeUnknown) as unknown:
        dispatcher.dispatch(DiscardDeadLetter(dead_letter=idle.bury()), wait=0.1)
    assert unknown.value.evidence["appended"] is False
    redis_server.resume()
    eventually(lambda: idle.flush() or idle.count(audit) == 1)


def test_an_emptied_script_cache_is_noticed(dispatcher: Dispatcher, worker: Worker, transport: redis.Redis) -> None:
    assert isinstance(dispatcher.dispatch(Retain()), Done)
    transport.script_flush()
    assert isinstance(dispatcher.dispatch(Retain()), Done)


def test_a_full_journal_accepts_nothing(dispatcher: Dispatcher, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "JOURNAL_LIMIT", 0)
    with pytest.raises(Overloaded):
        dispatcher.dispatch(Retain())
    monkeypatch.undo()
    assert isinstance(dispatcher.dispatch(Retain()), Done), "the connection is still in step"


def test_a_broker_without_memory_accepts_nothing(dispatcher: Dispatcher, transport: redis.Redis, idle: Worker) -> None:
    transport.config_set("maxmemory", 1)
    try:
        with pytest.raises(Unavailable):
            dispatcher.dispatch(Retain())
    finally:
        transport.config_set("maxmemory", 0)
    assert pending(transport) == 0


def test_a_ring_that_fails_is_no_failed_append(settings: Settings, idle: Worker, transport: redis.Redis) -> None:
    elsewhere = Settings.read(
        {"UV_DATA": settings.data, "REDIS_URL": settings.redis_url, "UV_HUB": "hub", "BROKER_URL": f"redis://127.0.0.1:{free_port()}/0"}
    )
    answer = in_background(lambda: Dispatcher(elsewhere).dispatch(Retain(), wait=10))
    eventually(lambda: pending(transport))
    idle.flush()
    assert isinstance(answer.result(PATIENCE), Done)


def test_threads_do_not_get_each_others_outcomes(dispatcher: Dispatcher, worker: Worker) -> None:
    letters = [worker.bury() for _ in range(200)]
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda letter: dispatcher.dispatch(DiscardDeadLetter(dead_letter=letter)), letters))
    assert outcomes == [Done({"DeadLetter": letter}) for letter in letters]


def test_nothing_connects_before_the_first_command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("connected"))
    before = threading.active_count()
    Dispatcher(settings)
    assert threading.active_count() == before


# Over HTTP


def test_an_order_is_answered_with_its_outcome(client: FlaskClient, worker: Worker) -> None:
    letter = worker.bury()
    done = client.delete(f"/api/dead-letters/{letter}", json={"Reason": "old"}, headers={"Idempotency-Key": "k"})
    assert (done.status_code, done.json) == (200, {"DeadLetter": letter})
    again = client.delete(f"/api/dead-letters/{letter}", json={"Reason": "old"}, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json) == (200, {"DeadLetter": letter})
    assert client.delete(f"/api/dead-letters/{letter}").status_code == 404


def test_an_unknown_outcome_says_how_to_repeat(client: FlaskClient, idle: Worker) -> None:
    letter = idle.bury()
    lost = client.delete(f"/api/dead-letters/{letter}", headers={"Prefer": "wait=0"})
    assert (lost.status_code, lost.json["Code"], lost.headers["Retry-After"]) == (503, "outcome_unknown", "1")
    assert "repeat with the same Idempotency-Key" in lost.json["Error"]
    assert client.get(lost.json["Receipt"]).status_code == 404
    idle.flush()
    stored = client.get(lost.json["Receipt"]).json
    assert (stored["Status"], stored["Outcome"]) == (200, {"DeadLetter": letter})
    idle.start()
    again = client.delete(f"/api/dead-letters/{letter}", headers={"Idempotency-Key": lost.json["IdempotencyKey"]})
    assert (again.status_code, again.json) == (200, {"DeadLetter": letter})


def test_202_is_given_to_those_who_prefer_it(client: FlaskClient, idle: Worker) -> None:
    accepted = client.delete(f"/api/dead-letters/{idle.bury()}", headers={"Prefer": "respond-async"})
    assert (accepted.status_code, accepted.headers["Location"]) == (202, accepted.json["Receipt"])
    assert accepted.headers["Preference-Applied"] == "respond-async"
    idle.flush()
    assert client.get(accepted.json["Receipt"]).json["Status"] == 200


def test_who_prefers_both_is_told_the_outcome_when_it_comes_in_time(client: FlaskClient, idle: Worker) -> None:
    both = {"Prefer": "respond-async, wait=1"}
    assert client.delete("/api/dead-letters/x", headers=both).status_code == 202
    idle.start()
    assert client.delete("/api/dead-letters/x", headers=both).status_code == 404


def test_a_receipt_keeps_a_refusal_too(client: FlaskClient, worker: Worker) -> None:
    assert client.delete("/api/dead-letters/x", headers={"Idempotency-Key": "k"}).status_code == 404
    kept = client.get(f"/api/receipts/{keys.receipt_id(Actor('anonymous'), 'k')}").json
    assert (kept["Status"], kept["Outcome"]["Code"], kept["Command"]) == (404, "not_found", "ledger.discard")
