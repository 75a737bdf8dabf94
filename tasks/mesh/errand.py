"""One work item on its way: who wants it, until when, and how its commands are carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any

import sqlalchemy as sa

from schema import envelope as keys
from schema.access.rules import lesser
from schema.access.tables import token, user
from schema.base import ANONYMOUS, Actor, Command
from schema.envelope import Envelope, encode
from schema.hub.tables import work_event
from schema.outcome import Done, Outcome, Refused, decode
from tasks import outbox
from tasks.kernel import Kernel
from tasks.unit import look

#: Seconds for an item that has no time of its own.
USUAL_SECONDS = 120.0
#: Seconds that one wait for the broker takes: it must end before the connection gives up.
STEP_SECONDS = 2.0

_SUBMITTED = sa.select(work_event.c.payload).where(work_event.c.work_item_hash == sa.bindparam("of_item"), work_event.c.seq == 1)
_USER = sa.select(user.c.id, user.c.role).where(user.c.name == sa.bindparam("of_name"), user.c.removed_at.is_(None))
_TOKEN = sa.select(token.c.role).where(token.c.user_id == sa.bindparam("of_user"), token.c.name == sa.bindparam("of_name"))


class Failed(Exception):
    """The item cannot be done; the text is its error. `refused` says that it was not allowed."""

    def __init__(self, text: str, *, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Submitter:
    """Who enqueued an item. `role` None: nobody asked, in open mode, or it is the hub itself."""

    actor: Actor
    user: int = 0
    role: str | None = None


def submitter_of(kernel: Kernel, work_item_hash: str) -> Submitter:
    """Whoever is written down in the item's first event: the hub has seen who they are."""
    with look(kernel.engine) as control:
        payload = control.execute(_SUBMITTED, {"of_item": work_item_hash}).scalar_one_or_none() or {}
        actor = Actor.parse(payload["Actor"]) if payload.get("Actor") else ANONYMOUS
        if actor.kind not in ("user", "token"):
            return Submitter(actor)
        name, _, of = actor.id.partition("/")
        row = control.execute(_USER, {"of_name": name}).one_or_none()
        if row is None:
            return Submitter(actor, role="nobody")
        role = control.execute(_TOKEN, {"of_user": row.id, "of_name": of}).scalar_one_or_none() if actor.kind == "token" else row.role
    return Submitter(actor, row.id, "nobody" if role is None else lesser(role, row.role))


@dataclass(slots=True)
class Errand:
    """What an action works with."""

    kernel: Kernel
    item: Mapping[str, Any]
    submitter: Submitter
    seconds: float
    _numbers: Any = field(default_factory=count)
    _began: float = field(default_factory=monotonic)

    @property
    def hub(self) -> str:
        return self.kernel.settings.hub

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the item says."""
        found: Mapping[str, Any] = self.item.get("Settings") or {}
        return found

    def outcome(self, command: Command, actor: Actor | None = None) -> Outcome:
        """Have the command carried out, and wait for it. The same item again is the same commands under the same keys: each happens once.

        Raises Failed when nothing comes in time: it may still happen, and the next try of the item gets its outcome.
        """
        id = self.kernel.new_id()
        key = f"{self.item['WorkItemHash']}/{next(self._numbers)}"
        envelope = Envelope(id, command, actor or self.submitter.actor, self.kernel.now(), origin="mesh", waited=True, key=key)
        outbox.append(self.kernel, [(command.lane, encode(envelope))])
        while (left := self.seconds - (monotonic() - self._began)) > 0:
            found: Any = self.kernel.redis.blpop([keys.reply(id)], timeout=max(min(left, STEP_SECONDS), 0.01))
            if found is not None:
                return decode(found[1])
        raise Failed("The databeacon of this connection has not answered in time.")

    def done(self, command: Command) -> dict[str, Any]:
        """What the command has done. Raises Failed where it was refused."""
        outcome = self.outcome(command)
        if isinstance(outcome, Done):
            return outcome.value
        raise Failed(said(outcome), refused=outcome.code == "forbidden")

    def tell(self, command: Command) -> None:
        """Have the command carried out, whenever."""
        envelope = Envelope(self.kernel.new_id(), command, self.submitter.actor, self.kernel.now(), origin="mesh")
        outbox.append(self.kernel, [(command.lane, encode(envelope))])


def said(outcome: Refused) -> str:
    """A refusal in one line."""
    fields = outcome.details.get("Fields")
    return outcome.text if not fields else f"{outcome.text} ({', '.join(f'{name}: {texts[0]}' for name, texts in fields.items())})"
