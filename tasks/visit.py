"""One transaction of a lane in a foreign database: what its verbs change that world with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from schema.base import SYSTEM, Actor, Command, Event, kind_of
from schema.envelope import Envelope, encode
from tasks.kernel import Foreign, Kernel


@dataclass(slots=True)
class Told:
    """What the hub must learn of a batch once it is committed abroad, as JSON values."""

    #: [receipt or None, envelope id, command, fingerprint, actor, outcome, order or None]
    settled: list[list[Any]] = field(default_factory=list)
    #: [topic, event]
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    #: [lane, envelope]
    orders: list[tuple[str, str]] = field(default_factory=list)
    #: [command, subject, outcome, details, actor]
    notes: list[list[Any]] = field(default_factory=list)


@dataclass(slots=True)
class Visit:
    """What verbs of a foreign lane get in the place of a unit.

    Events, orders and notes for the audit leave after the commit, or never.
    """

    kernel: Kernel
    place: Foreign
    connection: sa.Connection
    lane: str
    now: datetime
    new_id: Callable[[], str]
    envelope: Envelope | None = None
    told: Told = field(default_factory=Told)

    @property
    def actor(self) -> Actor:
        """Who wants the command that is being carried out."""
        return self.envelope.actor if self.envelope else SYSTEM

    def announce(self, event: Event) -> None:
        """Tell the world after the commit."""
        self.told.events.append((event.topic, {"Topic": event.kind, "Payload": event.payload, "EventGUID": self.new_id()}))

    def order(self, command: Command) -> None:
        """Have another lane carry out a command, exactly once, after the commit. Raises KeyError for a lane nobody declared."""
        kind_of(command.lane)
        request = self.envelope.request_id if self.envelope else ""
        made = Envelope(self.new_id(), command, self.actor, self.now, origin=self.lane, request_id=request, order=self.new_id())
        self.told.orders.append((command.lane, encode(made).decode()))

    def note(self, subject: str, outcome: str, details: dict[str, Any]) -> None:
        """Leave a line in the audit."""
        name = self.envelope.command.name if self.envelope else ""
        self.told.notes.append([name, subject, outcome, details, str(self.actor)])
