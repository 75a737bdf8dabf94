"""Progress on its way to the hub."""

from __future__ import annotations

import logging
from threading import Condition
from typing import Any

from beacon.context import WorkContext
from beacon.events import note
from beacon.membership import Membership
from beacon.transport import Superseded, Transport, TransportError, Unreachable

#: After the hub could not be reached, progress rests this long; polls and heartbeats are already trying.
REST_SECONDS = 2.0


class ProgressMail:
    """Sends the newest progress of each attempt, in one thread of its own, so that a slow hub never slows the work.

    Numbers that were overtaken are dropped, lines of log are not: those that could not be sent go with the final report.
    No progress of an attempt is on its way once `take_back` has returned, so it cannot arrive after the report.
    """

    def __init__(self, transport: Transport, membership: Membership) -> None:
        self._transport = transport
        self._membership = membership
        self._changed = Condition()
        self._waiting: dict[WorkContext, dict[str, Any]] = {}
        self._unsent: dict[WorkContext, list[str]] = {}
        self._sending: WorkContext | None = None
        self._closed = False

    def put(self, context: WorkContext, body: dict[str, Any]) -> None:
        with self._changed:
            older = self._waiting.get(context, {"Log": []})
            self._waiting[context] = {**body, "Log": [*self._unsent.pop(context, []), *older["Log"], *body["Log"]]}
            self._changed.notify_all()

    def take_back(self, context: WorkContext) -> list[str]:
        """The lines of log that did not reach the hub."""
        with self._changed:
            self._changed.wait_for(lambda: self._sending is not context)
            waiting = self._waiting.pop(context, {"Log": []})
            return [*self._unsent.pop(context, []), *waiting["Log"]]

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def run(self) -> None:
        while (letter := self._next()) is not None:
            rest = self._send(*letter)
            with self._changed:
                self._sending = None
                self._changed.notify_all()
                if rest:
                    self._changed.wait_for(lambda: self._closed, REST_SECONDS)

    def _next(self) -> tuple[WorkContext, dict[str, Any]] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._sending = next(iter(self._waiting))
            return self._sending, self._waiting.pop(self._sending)

    def _send(self, context: WorkContext, body: dict[str, Any]) -> bool:
        """Whether to rest before the next one."""
        item = context.item
        fence = {"BeaconID": self._membership.beacon_id, "AttemptNumber": item.attempt}
        try:
            self._transport.report("Progress", item.hash, {**body, **fence}, None)
        except Superseded as trouble:
            # The work is in vain. Its report is still made: the hub keeps it as evidence, or corrects us.
            note(logging.WARNING, "item_lost", item=item.hash, attempt=item.attempt, why=trouble)
            context.cancel()
        except TransportError as trouble:
            note(logging.DEBUG, "progress_not_sent", item=item.hash, why=trouble)
            with self._changed:
                self._unsent[context] = [*self._unsent.get(context, []), *body["Log"]]
            return isinstance(trouble, Unreachable)
        return False
