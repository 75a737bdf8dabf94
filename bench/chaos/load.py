"""Clients that obey the contract: they repeat with the same key until they are answered, and keep a ledger of what was promised to them."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

import orjson

from bench.chaos.plan import Order, order

#: Answers that promise that nothing was accepted.
REFUSED = frozenset({"unavailable", "overloaded", "not_ready"})
#: A client gives up on a silent server after this time, and asks again.
SILENCE_SECONDS = 8.0
#: No client waits longer than this before it repeats, whatever Retry-After says: the drill wants to see every gap.
LONGEST_PAUSE = 0.5
SHORT_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """An item was accepted: when the try that succeeded began and ended, and which try it was."""

    key: str
    work_item_hash: str
    begun: float
    at: float
    tries: int


@dataclass(slots=True)
class Ledger:
    """What the clients were told."""

    answers: list[Answer] = field(default_factory=list)
    #: Keys that were never sent again after the answer that nothing had been accepted.
    refused: list[str] = field(default_factory=list)
    #: Answers that the contract does not know.
    strange: list[str] = field(default_factory=list)
    #: Why tries had to be repeated, by code.
    repeats: Counter[str] = field(default_factory=Counter)


class Load:
    """Sends items of one drill, `clients` at a time; each item has its place in the row and is the same in each run of a seed."""

    def __init__(self, address: tuple[str, int], seed: int, clients: int) -> None:
        self.ledger = Ledger()
        self._address, self._seed, self._clients = address, seed, clients
        self._lock, self._stop = Lock(), Event()
        self._next, self._first, self._end = 0, 0, 0
        self._began, self._step = 0.0, 0.0
        self._due: Callable[[], float] = lambda: 1.0
        self._threads: list[Thread] = []

    def send(self, items: int, span: float, due: Callable[[], float] = lambda: 1.0) -> None:
        """Begin to send the next items, evenly over `span` seconds; those that come late are sent as soon as can be.

        `due` says which share of them may have been sent by now: whatever else they are to accompany may take longer than planned.
        """
        self._due = due
        self._first, self._end = self._next, self._next + items
        self._began, self._step = monotonic(), span / max(items, 1)
        self._threads = [Thread(target=self._client, daemon=True) for _ in range(self._clients)]
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> bool:
        """Whether all items have been answered."""
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Send no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(SILENCE_SECONDS + LONGEST_PAUSE)

    def _client(self) -> None:
        line = Line(self._address)
        while (number := self._take()) is not None:
            self._stop.wait(self._began + (number - self._first) * self._step - monotonic())
            while self._due() * (self._end - self._first) < number - self._first and not self._stop.wait(SHORT_PAUSE):
                pass
            self._deliver(line, order(self._seed, number))
        line.close()

    def _take(self) -> int | None:
        with self._lock:
            if self._stop.is_set() or self._next >= self._end:
                return None
            self._next += 1
            return self._next - 1

    def _deliver(self, line: Line, wanted: Order) -> None:
        """Ask until there is an answer."""
        tries = 0
        while not self._stop.is_set():
            tries += 1
            begun = monotonic()
            status, body, pause = line.ask(wanted)
            if status == 200:
                return self._answered(wanted, body, begun, tries)
            if status not in (0, 502, 503, 504):
                return self._note(self.ledger.strange, f"{wanted.key}: {status} {body}")
            code = str(body.get("Code", status))
            with self._lock:
                self.ledger.repeats[code] += 1
            if code in REFUSED and tries == 1 and not wanted.patient:
                self._note(self.ledger.refused, wanted.key)
                wanted, tries = _anew(wanted), 0
            self._stop.wait(pause)
        return None

    def _answered(self, wanted: Order, body: dict[str, Any], begun: float, tries: int) -> None:
        work_item_hash = body.get("WorkItemHash")
        if not isinstance(work_item_hash, str):
            return self._note(self.ledger.strange, f"{wanted.key}: 200 without WorkItemHash: {body}")
        return self._note(self.ledger.answers, Answer(wanted.key, work_item_hash, begun, monotonic(), tries))

    def _note(self, where: list[Any], what: Any) -> None:
        with self._lock:
            where.append(what)


def _anew(wanted: Order) -> Order:
    """The same wish as another item, from somebody who stays."""
    key = f"{wanted.key}-anew"
    body = wanted.body | {"Settings": wanted.body["Settings"] | {"Key": key}, "Metadata": {"Key": key}}
    return Order(key, body, patient=True)


class Line:
    """One client's connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=SILENCE_SECONDS)

    def ask(self, wanted: Order) -> tuple[int, dict[str, Any], float]:
        """Status, body, and seconds to wait before the next try. Status 0 stands for no answer, with the reason as Code."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": wanted.key}
        try:
            self._connection.request("POST", "/Beacon/Work/Enqueue", orjson.dumps(wanted.body), headers)
            answer = self._connection.getresponse()
            body: Any = orjson.loads(answer.read())
        except (OSError, http.client.HTTPException, orjson.JSONDecodeError) as trouble:
            self.close()
            return 0, {"Code": type(trouble).__name__}, SHORT_PAUSE
        pause = min(float(answer.headers.get("Retry-After") or 0), LONGEST_PAUSE) or SHORT_PAUSE
        return answer.status, body if isinstance(body, dict) else {"Code": "not an object"}, pause

    def close(self) -> None:
        self._connection.close()
