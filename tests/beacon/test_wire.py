"""Parts that can be judged by values alone."""

from __future__ import annotations

import json
import logging
import random
import time
from email.utils import formatdate
from http.client import HTTPMessage
from threading import Event, Thread
from typing import Any

import pytest

from beacon.backoff import Backoff
from beacon.context import WorkContext
from beacon.events import note
from beacon.http_line import Reply
from beacon.http_transport import HttpTransport, encoded, judge
from beacon.in_hand import REMEMBERED, InHand, Offer
from beacon.item import WorkItem
from beacon.providers import Cancelled
from beacon.transport import Refused, Settled, Superseded, TransportError, UnknownBeacon, Unreachable
from tests.beacon.conftest import MakeContext, Told
from tests.beacon.hub import Fault, Hub, item


def reply(status: int, content: bytes = b'{"Error": "no"}', **headers: str) -> Reply:
    message = HTTPMessage()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return Reply(status, message, content)


@pytest.mark.parametrize(
    ("status", "content", "gone_is_unknown", "expected"),
    [
        (401, b"", False, UnknownBeacon),
        (404, b'{"Error": "no"}', True, UnknownBeacon),
        (404, b"<html>", True, Unreachable),  # a proxy without a hub behind it
        (404, b'{"Error": "no"}', False, Refused),
        (404, b"<html>", False, Unreachable),
        (409, b'{"Error": "no", "Code": "superseded"}', False, Superseded),
        (409, b"<html>", False, Unreachable),
        (422, b'{"Error": "no", "Code": "key_reused"}', False, Settled),
        (422, b'{"Error": "no", "Code": "invalid"}', False, Refused),
        (413, b'{"Error": "no"}', False, Refused),
        (413, b"", False, Unreachable),
        (403, b'{"Error": "no"}', False, Unreachable),  # an operator can change that; a result must not be lost for it
        (429, b"{}", False, Unreachable),
        (500, b"{}", False, Unreachable),
        (503, b"", False, Unreachable),
        (302, b"", False, Unreachable),
        (200, b"", False, Unreachable),
        (200, b"[]", False, Unreachable),
    ],
)
def test_an_answer_says_what_to_do(status: int, content: bytes, gone_is_unknown: bool, expected: type[TransportError]) -> None:
    with pytest.raises(TransportError) as caught:
        judge(reply(status, content), gone_is_unknown)
    assert type(caught.value) is expected


def test_a_good_answer_is_its_object() -> None:
    assert judge(reply(201, b'{"a": 1}')) == {"a": 1}


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("0.5", 0.5), ("-3", 0)])
def test_retry_after_in_seconds(header: str, seconds: float) -> None:
    with pytest.raises(Unreachable) as caught:
        judge(reply(503, Retry_After=header))
    assert caught.value.retry_after == seconds


def test_retry_after_as_a_date() -> None:
    with pytest.raises(Unreachable) as caught:
        judge(reply(503, Retry_After=formatdate(time.time() + 60, usegmt=True)))
    assert 50 <= (caught.value.retry_after or 0) <= 61


def test_retry_after_that_makes_no_sense_is_none() -> None:
    with pytest.raises(Unreachable) as caught:
        judge(reply(503, Retry_After="soon"))
    assert caught.value.retry_after is None


def test_backoff_has_full_jitter_under_a_doubling_ceiling() -> None:
    waits = [[Backoff(0.25, 30, random.Random(seed)) for seed in range(200)][seed] for seed in range(200)]
    rounds = [[backoff.next() for backoff in waits] for _ in range(12)]
    for number, values in enumerate(rounds):
        ceiling = min(30, 0.25 * 2**number)
        assert 0 <= min(values) < ceiling * 0.1
        assert ceiling * 0.9 < max(values) <= ceiling


def test_backoff_obeys_the_hub() -> None:
    assert all(7 <= Backoff().next(7) <= 7.7 for _ in range(50))
    assert Backoff().next(10**9) <= 330


@pytest.mark.parametrize("timeout", [None, 0, -1, "5", float("inf"), float("nan"), 1e300])
def test_a_limit_that_is_none(timeout: Any) -> None:
    read = WorkItem.read({**item(), "TimeoutMs": timeout})
    assert read is not None
    assert read.timeout_ms == 0


def test_items_are_read_as_far_as_they_can_be() -> None:
    read = WorkItem.read(item(7, attempt=3, timeout_ms=50, Password="secret"))
    assert read is not None
    assert (read.key, read.timeout_ms, read.settings) == (("wi-7", 3), 50, {"Password": "secret"})
    assert "secret" not in repr(read)
    assert WorkItem.read({"WorkItemHash": "x", "Settings": None, "AttemptNumber": None}) == WorkItem("x", 0, "", "")
    assert [WorkItem.read({"WorkItemHash": value}) for value in (None, "", 5)] == [None] * 3


def test_events_are_one_line_of_words_and_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "beacon")
    note(logging.INFO, "happened", item="wi-1", ms=12, why='a "b"\nforged line', empty="")
    note(logging.DEBUG, "unseen")
    assert caplog.messages == ['happened item=wi-1 ms=12 why="a \\"b\\"\\nforged line" empty=""']


class TestInHand:
    @pytest.fixture
    def in_hand(self) -> InHand:
        return InHand()

    @pytest.fixture
    def make(self, make_context: MakeContext, told: Told) -> Any:
        return lambda name, attempt=1: WorkContext(WorkItem(name, attempt, "", ""), make_context().work_folder, told)

    def test_an_attempt_is_taken_once(self, in_hand: InHand, make: Any) -> None:
        first = make("a")
        assert [in_hand.offer(first), in_hand.offer(make("a"))] == [Offer.NEW, Offer.IN_HAND]
        in_hand.release(first, accepted=True)
        assert [in_hand.offer(make("a")), in_hand.offer(make("a", 2))] == [Offer.SETTLED, Offer.NEW]

    def test_what_was_not_accepted_may_come_again(self, in_hand: InHand, make: Any) -> None:
        first = make("a")
        in_hand.offer(first)
        in_hand.release(first, accepted=False)
        assert in_hand.offer(make("a")) is Offer.NEW

    def test_the_last_thousand_are_remembered(self, in_hand: InHand, make: Any) -> None:
        for number in range(REMEMBERED + 1):
            context = make(f"i{number}")
            in_hand.offer(context)
            in_hand.release(context, accepted=True)
        assert [in_hand.offer(make("i1")), in_hand.offer(make("i0"))] == [Offer.SETTLED, Offer.NEW]

    def test_a_newer_attempt_cancels_the_older(self, in_hand: InHand, make: Any) -> None:
        older, newer = make("a"), make("a", 2)
        in_hand.offer(older)
        in_hand.offer(newer)
        assert (older.cancelled(), newer.cancelled()) == (True, False)

    def test_cancelling_names_what_was_not_cancelled_before(self, in_hand: InHand, make: Any) -> None:
        for name in "abc":
            in_hand.offer(make(name))
        assert in_hand.cancel({"a", "z"}) == ["a"]
        assert in_hand.cancel({"a"}) == []
        assert sorted(in_hand.cancel()) == ["b", "c"]

    def test_what_was_announced(self, in_hand: InHand, make: Any) -> None:
        context = make("a", 3)
        in_hand.offer(context)
        assert (in_hand.unannounced(0), in_hand.unannounced(60)) == (True, False)
        assert in_hand.announce() == [{"WorkItemHash": "a", "AttemptNumber": 3}]
        assert not in_hand.unannounced(0)
        assert not in_hand.wait_empty(0)
        in_hand.release(context, accepted=True)
        assert in_hand.wait_empty(0)


def test_a_context_without_a_limit_has_no_deadline(make_context: MakeContext) -> None:
    context = make_context(timeout_ms=0)
    assert (context.deadline, context.remaining()) == (None, None)
    context.check()


def test_a_breaker_that_comes_late_is_called_at_once(make_context: MakeContext) -> None:
    context, called = make_context(), Event()
    context.cancel()
    with context.broken_off_by(called.set):
        assert called.is_set()
    with pytest.raises(Cancelled):
        context.pause(60)


class TestHttp:
    @pytest.fixture
    def transport(self, hub: Hub) -> Any:
        made = HttpTransport(hub.url)
        yield made
        made.close()

    def test_cookies_are_kept_and_given_up(self, hub: Hub, transport: HttpTransport) -> None:
        transport.register({"Name": "a"})
        transport.heartbeat("bcn-a-1", [])
        hub.fault("Heartbeat", Fault(200, {}, {"Set-Cookie": "SessionID=; Max-Age=0"}))
        transport.heartbeat("bcn-a-1", [])
        transport.heartbeat("bcn-a-1", [])
        assert [seen.headers.get("Cookie") for seen in hub.seen] == [None, "SessionID=s0", "SessionID=s0", None]

    def test_one_connection_serves_a_thread(self, hub: Hub, transport: HttpTransport) -> None:
        transport.register({"Name": "a"})
        for _ in range(20):
            transport.heartbeat("bcn-a-1", [])
        assert len(hub.connections) == 1

    def test_a_stale_connection_is_replaced_without_a_word(self, hub: Hub, transport: HttpTransport) -> None:
        transport.register({"Name": "a"})
        hub.down()
        hub.up()
        hub.known.add("bcn-a-1")
        assert transport.heartbeat("bcn-a-1", [])["BeaconID"] == "bcn-a-1"

    def test_nobody_there(self, hub: Hub, transport: HttpTransport) -> None:
        hub.down()
        with pytest.raises(Unreachable, match="ConnectionRefusedError"):
            transport.register({"Name": "a"})
        with pytest.raises(Unreachable):
            HttpTransport("http://no..host:1").register({})
        hub.up()

    def test_a_cut_answer_is_asked_for_again_only_on_a_kept_line(self, hub: Hub, transport: HttpTransport) -> None:
        hub.fault("Register", Fault(took_effect=True))
        with pytest.raises(Unreachable, match="RemoteDisconnected"):
            transport.register({"Name": "a"})
        transport.register({"Name": "a"})
        hub.fault("Complete", Fault(took_effect=True))
        transport.report("Complete", "wi-1", {"BeaconID": "bcn-a-1"}, "key")
        assert len(hub.of("Complete")) == 2

    @pytest.mark.parametrize("bad", [object(), float("nan"), {1, 2}, b"x"])
    def test_what_is_no_json_is_refused_before_it_is_sent(self, hub: Hub, transport: HttpTransport, bad: object) -> None:
        with pytest.raises(Refused, match="not JSON"):
            transport.report("Complete", "wi-1", {"Outputs": bad}, None)
        assert hub.seen == []

    def test_names_cannot_break_out_of_the_path(self, hub: Hub, transport: HttpTransport) -> None:
        transport.register({"Name": "a"})
        transport.report("Complete", "a/../ü\r\n?", {"BeaconID": "bcn-a-1"}, "ü\r\nX: y")
        assert hub.seen[-1].path == "/Beacon/Work/a%2F..%2F%C3%BC%0D%0A%3F/Complete"
        assert hub.seen[-1].headers["Idempotency-Key"] == "%C3%BC%0D%0AX: y"

    def test_leaving_twice_is_no_mistake(self, hub: Hub, transport: HttpTransport) -> None:
        hub.fault("Leave", Fault(404, {"Error": "gone"}))
        transport.deregister("bcn-a-1")

    def test_an_interrupted_poll_ends_and_no_other_begins(self, hub: Hub, transport: HttpTransport) -> None:
        transport.register({"Name": "a"})
        caught: list[TransportError] = []

        def poll() -> None:
            with pytest.raises(Unreachable) as error:
                transport.poll("bcn-a-1", 30_000)
            caught.append(error.value)

        waiting = Thread(target=poll)
        waiting.start()
        hub.wait(lambda: hub.polls_waiting)
        transport.interrupt()
        waiting.join(10)
        assert len(caught) == 1
        with pytest.raises(Unreachable, match="interrupted"):
            transport.poll("bcn-a-1", 30_000)
        assert transport.heartbeat("bcn-a-1", [])


def test_a_nul_in_a_result_arrives_as_a_replacement_character() -> None:
    sent = json.loads(encoded({"StdOut": "a\0b", "Text": r"\u0000", "Both": "\\\0"}) or b"")
    assert sent == {"StdOut": "a�b", "Text": r"\u0000", "Both": "\\�"}
