"""Being known to the hub, and asking it as long as it takes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Lock
from typing import TypeVar

from beacon.backoff import Backoff
from beacon.events import note
from beacon.transport import Transport, TransportError, UnknownBeacon, Unreachable, Wire

Answer = TypeVar("Answer")


class Stopped(Exception):
    """The beacon stops before the hub has answered."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One registration. Compared by identity: a hub gives a beacon that registers again the same BeaconID."""

    beacon_id: str


class Membership:
    """The beacon's registration, shared by all its threads: whoever finds that it is needed registers, the others wait for it."""

    def __init__(self, transport: Transport, registration: Callable[[], Wire]) -> None:
        self._transport = transport
        self._registration = registration
        self._lock = Lock()
        self._ticket: Ticket | None = None
        #: The last BeaconID, kept also while the hub does not know it.
        self.beacon_id: str | None = None
        #: Set once the hub knows the beacon, cleared when it says that it does not.
        self.registered = Event()

    def ask(self, call: Callable[[str], Answer], until: Event, patient: bool) -> Answer:
        """The hub's answer to `call(beacon_id)`, however long that takes and however often the hub must be told who we are.

        With `patient`, refusals are waited out as well: what is asked for is not about one item, so nobody can be told to give it up.
        Raises: Stopped when `until` is set first; Refused, Superseded and Settled when not patient.
        """
        backoff, strangers = Backoff(), 0
        while True:
            ticket = self._known(until)
            asked: float | None = None
            try:
                return call(ticket.beacon_id)
            except UnknownBeacon as trouble:
                self._forget(ticket, trouble)
                strangers += 1
                # At once the first time. A hub that registers us and disowns us in turn is not asked in a tight loop.
                if strangers == 1:
                    continue
            except Unreachable as trouble:
                asked = trouble.retry_after
                self._tell(trouble, until)
            except TransportError as trouble:
                if not patient:
                    raise
                self._tell(trouble, until)
            _rest(backoff, asked, until)

    def _known(self, until: Event) -> Ticket:
        with self._lock:
            if self._ticket is None:
                self._ticket = self._register(until)
                self.beacon_id = self._ticket.beacon_id
                self.registered.set()
                note(logging.INFO, "registered", beacon=self.beacon_id)
            return self._ticket

    def _register(self, until: Event) -> Ticket:
        backoff = Backoff()
        while True:
            if until.is_set():
                raise Stopped
            asked: float | None = None
            try:
                beacon_id = self._transport.register(self._registration()).get("BeaconID")
                if isinstance(beacon_id, str) and beacon_id:
                    return Ticket(beacon_id)
                note(logging.WARNING, "registration_without_id")
            except TransportError as trouble:
                asked = trouble.retry_after if isinstance(trouble, Unreachable) else None
                note(logging.WARNING, "registration_failed", why=trouble)
            _rest(backoff, asked, until)

    def _forget(self, ticket: Ticket, why: UnknownBeacon) -> None:
        with self._lock:
            if self._ticket is ticket:
                self._ticket = None
                self.registered.clear()
                note(logging.WARNING, "unknown_to_hub", beacon=ticket.beacon_id, why=why)

    @staticmethod
    def _tell(trouble: TransportError, until: Event) -> None:
        # A poll that was interrupted in order to stop is no news.
        if not until.is_set():
            note(logging.WARNING, "hub_unreachable" if isinstance(trouble, Unreachable) else "hub_refused", why=trouble)


def _rest(backoff: Backoff, asked: float | None, until: Event) -> None:
    if until.wait(backoff.next(asked)):
        raise Stopped
