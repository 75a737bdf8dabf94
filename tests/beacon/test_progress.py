from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest

from beacon.http_transport import HttpTransport
from beacon.membership import Membership
from beacon.progress import ProgressMail
from beacon.transport import Refused, ReportKind, TransportError, Unreachable
from tests.beacon.conftest import MakeContext


class Slow(HttpTransport):
    """Holds each report until it is let go, then fails as told."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.reached, self.go = Event(), Event()
        self.failure: TransportError | None = None
        self.sent: list[dict[str, Any]] = []

    def report(self, kind: ReportKind, work_item_hash: str, body: dict[str, Any], key: str | None) -> None:
        self.reached.set()
        assert self.go.wait(10)
        if self.failure is not None:
            raise self.failure
        self.sent.append(body)


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def mail(slow: Slow) -> Iterator[ProgressMail]:
    made = ProgressMail(slow, Membership(slow, dict))
    sender = Thread(target=made.run)
    sender.start()
    yield made
    made.close()
    sender.join(10)
    assert not sender.is_alive()


def body(percent: int, *log: str) -> dict[str, Any]:
    return {"Percent": percent, "Log": list(log)}


def test_taking_back_waits_for_what_is_on_its_way(mail: ProgressMail, slow: Slow, make_context: MakeContext) -> None:
    context, taken = make_context(), Event()
    mail.put(context, body(1))
    assert slow.reached.wait(10)

    def take() -> None:
        mail.take_back(context)
        taken.set()

    taking = Thread(target=take)
    taking.start()
    assert not taken.wait(0.1)
    slow.go.set()
    assert taken.wait(10)
    taking.join()


def test_overtaken_numbers_are_dropped_and_their_lines_kept(mail: ProgressMail, slow: Slow, make_context: MakeContext) -> None:
    context, other = make_context(), make_context()
    mail.put(other, body(0))
    assert slow.reached.wait(10)
    for percent in (10, 20, 30):
        mail.put(context, body(percent, f"at {percent}"))
    assert mail.take_back(context) == ["at 10", "at 20", "at 30"]
    assert mail.take_back(context) == []
    slow.go.set()


@pytest.mark.parametrize("failure", [Unreachable(), Refused()])
def test_lines_of_what_was_not_sent_come_back_in_order(mail: ProgressMail, slow: Slow, make_context: MakeContext, failure: TransportError) -> None:
    context, slow.failure = make_context(), failure
    mail.put(context, body(10, "a"))
    assert slow.reached.wait(10)
    mail.put(context, body(20, "b"))
    slow.go.set()
    assert mail.take_back(context) == ["a", "b"]
