"""Flush of a loose lane: its commands leave nothing behind that a second time would change, so nothing is kept of them but the answer.

A question is taken out of the journal before it is asked: whoever asked it asks again. Everything else stays until it is done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from typing import Any

import structlog

from schema import envelope as keys
from schema.base import Command, kind_of
from schema.envelope import Envelope, decode
from schema.errors import CODES
from schema.outcome import Outcome, Refused
from tasks import outbox, streams
from tasks.burial import count_try
from tasks.failures import Overtime, is_transient
from tasks.frame import current
from tasks.kernel import Closed, Kernel
from tasks.lease import Lease
from tasks.streams import Entry

log = structlog.get_logger()

LIFE_SECONDS = 2.0
LINGER_MS = 30
#: Commands that are taken at once where they are quick.
BATCH = 50
TRIES = 3
#: Nobody waits for longer than this (`app.asking.LONGEST_WAIT`): an older question is not asked any more.
STALE = timedelta(seconds=65)
RENEW_SECONDS = 0.4
#: A lane whose commands may take longer than this holds them until they are done, and renews its lease meanwhile.
QUICK_SECONDS = 5

#: KEYS: journal. ARGV: count. Takes the first entries out of it.
_TAKE = """
local found = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])
local ids = {}
for i, entry in ipairs(found) do ids[i] = entry[1] end
if #ids > 0 then redis.call('XDEL', KEYS[1], unpack(ids)) end
return found
"""


class Passed(Exception):
    """The answer comes from another lane, to which the verb has passed the question on."""


@dataclass(slots=True)
class Desk:
    """What a loose verb works with in the place of a unit."""

    kernel: Kernel
    envelope: Envelope

    def pass_on(self, command: Command) -> Outcome:
        """Have another lane carry out this command and answer whoever waits here: with what is committed there. Raises Passed, always.

        Done twice, it is the same envelope under the same key: one change. Where it was an order, it stays one until that lane has carried it out.
        """
        key = self.envelope.key or self.envelope.id
        passed = replace(self.envelope, command=command, key=key)
        outbox.append(self.kernel, [(command.lane, keys.encode(passed))])
        raise Passed


def flush(kernel: Kernel, lane: str, token: str) -> bool:
    """Answer what waits in the lane. Returns False when another flush is at it."""
    lease = Lease(kernel.redis, lane, token)
    if not lease.take():
        return False
    quick = kind_of(lane).seconds <= QUICK_SECONDS
    ended = Event()
    keeper = Thread(target=_keep, args=(lease, ended), daemon=True)
    if not quick:
        keeper.start()
    try:
        _work(kernel, lane, lease, quick)
    finally:
        ended.set()
        if not quick:
            keeper.join()
        lease.leave()
    if streams.waiting_lanes(kernel.redis, [lane]):
        kernel.ring(lane, 0)
    return True


def _keep(lease: Lease, ended: Event) -> None:
    """Renew the lease while a verb takes its time."""
    while not ended.wait(RENEW_SECONDS):
        try:
            lease.renew()
        except Exception as error:  # noqa: BLE001 - without its lease the flush goes on: whoever else begins repeats what may be repeated
            log.warning("lease_not_renewed", error=type(error).__name__)
            return


def _work(kernel: Kernel, lane: str, lease: Lease, quick: bool) -> None:
    end = monotonic() + LIFE_SECONDS
    while monotonic() < end:
        if quick:
            lease.renew()
        found = _taken(kernel, lane) if quick else _first(kernel, lane)
        if not found:
            if not streams.wait_for_entries(kernel.redis, {lane: "0-0"}, LINGER_MS):
                return
            continue
        answers = [(envelope, outcome) for entry in found for envelope, outcome in _answered(kernel, lane, entry, counted=not quick)]
        pipe = kernel.redis.pipeline(transaction=False)
        outbox.answer(pipe, answers)
        if not quick:
            pipe.xdel(keys.journal(lane), *(id for id, _ in found))
            pipe.hdel(keys.tries(lane), *(id.decode() for id, _ in found))
        pipe.execute()


def _taken(kernel: Kernel, lane: str) -> list[Entry]:
    found: Any = kernel.redis.eval(_TAKE, 1, keys.journal(lane), BATCH)
    return [(id, dict(zip(fields[::2], fields[1::2], strict=True)).get(b"e", b"")) for id, fields in found]


def _first(kernel: Kernel, lane: str) -> list[Entry]:
    found: Any = kernel.redis.xrange(keys.journal(lane), count=1)
    return [(id, fields.get(b"e", b"")) for id, fields in found]


def _answered(kernel: Kernel, lane: str, entry: Entry, counted: bool) -> list[tuple[Envelope, Outcome]]:
    """The answer to one entry, where somebody waits for it."""
    try:
        envelope = decode(entry[1])
    except (KeyError, TypeError, ValueError) as error:
        log.error("command_unreadable", lane=lane, entry=entry[0].decode(), error=repr(error))
        return []
    if envelope.waited and kernel.now() - envelope.at > STALE and kind_of(lane).seconds <= STALE.total_seconds():
        return []
    if counted and count_try(kernel.redis, lane, entry) > TRIES:
        log.error("command_given_up", lane=lane, command=envelope.command.name)
        return [(envelope, Refused("internal", "Each try ended the worker that made it."))] if envelope.waited else []
    try:
        outcome = _outcome(kernel, envelope)
    except Passed:
        return []
    return [(envelope, outcome)] if envelope.waited else []


def _outcome(kernel: Kernel, envelope: Envelope) -> Outcome:
    token = current.set(envelope)
    try:
        outcome: Outcome = kernel.verbs[envelope.command.name](envelope.command, Desk(kernel, envelope))
        return outcome
    except (Passed, SystemExit):
        raise
    except Closed as error:
        return Refused(error.code, str(error))
    except Exception as error:
        if isinstance(error, Overtime) or is_transient(error):
            log.warning("database_closed", command=envelope.command.name, error=type(error).__name__)
            return Refused("target_unavailable", "The database behind this connection does not answer.")
        log.exception("question_failed", command=envelope.command.name)
        return Refused("internal", CODES["internal"][1])
    finally:
        current.reset(token)
