"""Flush: carry out what waits in a group's lanes, one transaction per batch, exactly once in effect.

The road of one batch: look at the journal, open a unit, run the verbs, write rows and outbox, move the cursor, commit; then
answer, send, trim. A crash anywhere leaves either nothing or all of it, and the next flush or sweep repairs the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import sqlalchemy as sa
import structlog

from schema import envelope as keys
from schema.base import followed_hub
from schema.envelope import Envelope, decode
from schema.outcome import Outcome
from schema.sql import to_wire
from tasks import cursor, frame, outbox, streams
from tasks.burial import PAUSES, backoff, bury, count_try, forget_try
from tasks.capture import Capture
from tasks.crash import crash_point
from tasks.failures import LostCursor, is_transient
from tasks.kernel import Kernel
from tasks.lease import Lease
from tasks.line import Line, Parcel
from tasks.pace import Pace
from tasks.receipts import Receipts
from tasks.streams import Entry
from tasks.unit import Unit, look

log = structlog.get_logger()

#: Outbox rows that are forgotten together: those of a killed flush are sent again, which their receivers know by the EventGUID.
TIDY = 8
#: Tries of one envelope before it goes to the dead letters.
TRIES = 5
#: Seconds after which a flush hands over to a fresh message, so that a stopping worker never waits long for it.
LIFE_SECONDS = 2.0


@dataclass(slots=True)
class Applied:
    """What a committed batch leaves to be told."""

    last: str
    replies: list[tuple[Envelope, Outcome]] = field(default_factory=list)
    outbox_id: str | None = None
    unit: Unit | None = None
    tidied: bool = False


class Flush:
    """One run over the lanes of a group."""

    def __init__(self, kernel: Kernel, group: str, token: str) -> None:
        self.kernel = kernel
        self.group = group
        self.lease = Lease(kernel.redis, group, token)
        self.line = Line(kernel.redis)
        self.pace = Pace()
        self.epoch = ""
        self.positions: dict[str, str] = {}
        #: Lane -> entry id up to which envelopes run one by one, because their batch failed or killed its flush.
        self.careful: dict[str, str] = {}
        #: Lane -> when, by the monotonic clock, it may be tried again.
        self.held: dict[str, float] = {}
        self.end = 0.0
        self.sent: list[str] = []
        self.connection: sa.Connection | None = None
        #: Lane -> what its units remember, as long as the cursor proves that nobody else has written.
        self.memories: dict[str, dict[Any, Any]] = {}

    def run(self) -> bool:
        """Flush until nothing waits. Returns False when somebody else is at it. Raises what is transient; nothing is lost by it."""
        if not self.lease.take():
            return False
        with ExitStack() as leaving:
            leaving.callback(self.lease.leave)
            leaving.callback(self._disconnect)
            try:
                self._work()
            except LostCursor as lost:
                log.info("cursor_lost", group=self.group, reason=str(lost))
        crash_point("lease_released")
        self._look_once_more()
        return True

    def _disconnect(self) -> None:
        self.line.close()
        if self.connection is not None:
            self.connection.close()

    def _work(self) -> None:
        self.end = monotonic() + LIFE_SECONDS
        patience = 0
        while monotonic() < self.end:
            self.lease.renew()
            moved = self._pass(patience)
            if not moved and patience:
                break
            patience = 0 if moved else self.kernel.linger_ms
        self._tidy()

    def _pass(self, patience_ms: int = 0) -> bool:
        """One look and one batch for each lane that has entries. Returns whether anything moved."""
        settings = self.kernel.settings
        seen = streams.look_along(self.line, settings.one_writer, self.group, self._open_positions(), settings.batch, patience_ms)
        if seen.epoch != self.epoch or not seen.lanes <= self.positions.keys():
            self._learn(seen)
            return bool(seen.lanes)
        crash_point("entries_read")
        for lane, entries in seen.entries.items():
            self.lease.renew()
            self._batch(lane, entries)
        return bool(seen.entries)

    def _learn(self, seen: streams.Look) -> None:
        """Take up new lanes, all of them in a new life of the broker: where they stand, whether one is held or left in the middle."""
        self.memories = {}
        if seen.epoch != self.epoch:
            self.careful = {}
        self.epoch = seen.epoch
        lanes = sorted(seen.lanes)
        with look(self.kernel.engine) as connection:
            known = cursor.positions(connection, self.epoch, lanes)
        cursor.enter(self.kernel.engine, seen.lanes - known.keys(), self.epoch, self.kernel.now())
        self.positions = {lane: known.get(lane, cursor.START) for lane in lanes}
        waits, left = streams.take_up(self.line, self.group, self.epoch, lanes, known)
        now = monotonic()
        self.held = {lane: now + seconds for lane, seconds in waits.items()}
        self.careful |= left

    def _is_held(self, lane: str) -> bool:
        return self.held.get(lane, 0.0) > monotonic()

    def _open_positions(self) -> dict[str, str]:
        return {lane: position for lane, position in self.positions.items() if not self._is_held(lane)}

    def _batch(self, lane: str, entries: list[Entry]) -> None:
        careful = self.careful.get(lane)
        if careful is not None:
            doubtful = [entry for entry in entries if streams.id_key(entry[0].decode()) <= streams.id_key(careful)]
            if doubtful:
                self._one_by_one(lane, doubtful)
                return
            del self.careful[lane]
        last = entries[-1][0].decode()
        self.line.send([("HSET", keys.running(self.group), lane, last)])
        try:
            applied = self._apply(lane, entries)
        except LostCursor:
            raise
        except Exception as error:
            self.line.send([("HDEL", keys.running(self.group), lane)])
            if is_transient(error):
                raise
            log.warning("batch_failed", lane=lane, entries=len(entries), error=repr(error))
            self.careful[lane] = last
            return
        self._after(lane, applied)

    def _one_by_one(self, lane: str, entries: Sequence[Entry]) -> None:
        """Carry out single envelopes, one of which may be the guilty one, until one fails or it is time to hand over."""
        for entry in entries:
            self.lease.renew()
            self._single(lane, entry)
            if self._is_held(lane) or monotonic() > self.end:
                return

    def _single(self, lane: str, entry: Entry) -> None:
        """Each try counts before it starts, so that a killed one counts too; one that failed through no fault of its own does not."""
        client = self.kernel.redis
        count = count_try(client, lane, entry)
        if count > TRIES:
            self._bury(lane, entry, count - 1, RuntimeError("each try ended the process that made it"))
            return
        try:
            applied = self._apply(lane, [entry])
        except Exception as error:
            if isinstance(error, LostCursor) or is_transient(error):
                forget_try(client, lane, entry)
                raise
            log.warning("command_failed", lane=lane, entry=entry[0].decode(), tries=count, error=repr(error))
            if count >= TRIES:
                self._bury(lane, entry, count, error)
            else:
                self._hold(lane, backoff(count))
            return
        self._after(lane, applied, single=True)

    def _apply(self, lane: str, entries: Sequence[Entry]) -> Applied:
        """One transaction: verbs, rows, outbox, cursor. Takes as many entries as the time budget allows, at least one."""
        kernel = self.kernel
        deadline = monotonic() + kernel.settings.unit_ms / 1000
        with self._begun() as connection:
            unit, position = self._open(connection, lane)
            receipts = Receipts(unit, [])
            applied = Applied(last=position, unit=unit)
            for part in self.pace.slices(lane, entries):
                done = self._carry_out(part, receipts, applied, deadline)
                self.pace.learn(lane, done, len(part))
                if monotonic() > deadline:
                    break
            self._close(unit, receipts, applied, position)
        crash_point("committed")
        return applied

    def _carry_out(self, entries: Sequence[Entry], receipts: Receipts, applied: Applied, deadline: float) -> int:
        """The verbs of a few entries, at least of one. Returns how many there was time for."""
        unit, verbs = applied.unit, self.kernel.verbs
        assert unit is not None
        envelopes = [decode(data) for _, data in entries]
        receipts.learn(envelopes)
        frame.foresee(envelopes, unit, self.kernel.foresights)
        for done, ((id, _), envelope) in enumerate(zip(entries, envelopes, strict=True), 1):
            outcome = frame.run(envelope, unit, receipts, verbs)
            applied.last = id.decode()
            if envelope.waited:
                applied.replies.append((envelope, outcome))
            if monotonic() > deadline:
                return done
        return len(entries)

    @contextmanager
    def _begun(self) -> Iterator[sa.Connection]:
        """A transaction, on the one connection that the flush keeps for all of them."""
        if self.connection is None:
            self.connection = self.kernel.engine.connect()
        with self.connection.begin():
            yield self.connection

    def _open(self, connection: sa.Connection, lane: str) -> tuple[Unit, str]:
        kernel = self.kernel
        memory = self.memories.pop(lane, {})  # given back by the commit
        unit = Unit(connection, lane, kernel.now(), kernel.new_id, listeners=kernel.listeners, settings=kernel.settings, memory=memory)
        hub = followed_hub(lane)
        position, reader = cursor.stand(connection, lane, self.epoch, unit.now, hub)
        if hub is not None and reader is not None:
            unit.capture = Capture(hub, reader)
        if position != self.positions[lane]:
            raise LostCursor(f"{lane} stands at {position}, not at {self.positions[lane]}")
        crash_point("unit_opened")
        return unit, position

    def _close(self, unit: Unit, receipts: Receipts, applied: Applied, position: str) -> None:
        crash_point("verbs_done")
        receipts.close()
        applied.outbox_id = unit.close()
        applied.tidied = len(self.sent) >= TIDY
        if applied.tidied:
            self.line.ask()  # only what was heard is forgotten
            outbox.tidy(unit.connection, self.sent)
        crash_point("rows_written")
        unfollowed = followed_hub(unit.lane) if unit.capture is None else None
        cursor.move(unit.connection, unit.lane, self.epoch, position, applied.last, unit.now, unfollowed)
        crash_point("cursor_moved")

    def _after(self, lane: str, applied: Applied, single: bool = False) -> None:
        """After the commit: answer, send, trim. Whatever is not done here is done by the next sweep."""
        unit = applied.unit
        assert unit is not None
        self.positions[lane], self.memories[lane] = applied.last, unit.memory
        if applied.tidied:
            self.sent.clear()
        parcel = Parcel()
        outbox.answer(parcel, applied.replies, unit.answers)
        outbox.deliver(parcel, unit.deliveries)
        outbox.stream(parcel, unit.frames)
        outbox.send_events(parcel, unit.events, to_wire(unit.now))
        careful = self.careful.get(lane)
        if careful is None or streams.id_key(applied.last) >= streams.id_key(careful):
            parcel.execute_command("HDEL", keys.running(self.group), lane)  # until then the mark stays: the guilty one may be the next
        if single:
            parcel.execute_command("DEL", keys.tries(lane))
        parcel.execute_command("EVAL", streams.TRIM, 2, keys.EPOCH, keys.journal(lane), self.epoch, streams.next_id(applied.last))
        self.line.send(parcel.commands)
        crash_point("told")
        if unit.capture is not None and unit.capture.written:
            outbox.wake(self.kernel, unit.capture.reader)
        for reader in unit.wakes:
            self.kernel.redis.delete(keys.hold(reader))
            outbox.wake(self.kernel, reader)
        self.kernel.listen(unit.events)
        if applied.outbox_id:
            self.sent.append(applied.outbox_id)
        outbox.append(self.kernel, [(order.command.lane, keys.encode(order)) for order in unit.orders])
        crash_point("orders_sent")
        for call in unit.calls:
            self.kernel.call(*call)

    def _bury(self, lane: str, entry: Entry, tries: int, error: Exception) -> None:
        try:
            applied = self._buried(lane, entry, tries, error)
        except Exception as failure:
            if isinstance(failure, LostCursor) or is_transient(failure):
                raise
            # Nothing is given up unseen: the lane waits for somebody to read this, its neighbours go on.
            log.exception("burial_failed", lane=lane, entry=entry[0].decode(), error=repr(error))
            self._hold(lane, PAUSES[-1])
            return
        log.error("command_buried", lane=lane, entry=applied.last, tries=tries, error=repr(error))
        self._after(lane, applied, single=True)

    def _buried(self, lane: str, entry: Entry, tries: int, error: Exception) -> Applied:
        with self._begun() as connection:
            unit, position = self._open(connection, lane)
            applied = Applied(last=entry[0].decode(), unit=unit)
            applied.replies = bury(unit, entry, tries, error)
            self._close(unit, Receipts(unit, []), applied, position)
        return applied

    def _hold(self, lane: str, seconds: float) -> None:
        """Leave the lane alone for a while; its neighbours go on."""
        self.kernel.redis.set(keys.hold(lane), "1", px=int(seconds * 1000))
        self.held[lane] = monotonic() + seconds
        # The careful mode must outlive this run: without it the whole batch would fail once more each time.
        self.kernel.redis.hset(keys.running(self.group), lane, self.careful[lane])
        self.kernel.ring(self.group, seconds + 0.05)

    def _tidy(self) -> None:
        self.line.ask()
        if self.sent:
            with self._begun() as connection:
                outbox.tidy(connection, self.sent)
            self.sent.clear()
        crash_point("outbox_tidied")

    def _look_once_more(self) -> None:
        """An append that found the bell rung while we let go must not be left to the sweep, least of all the first one of a new lane."""
        waiting = streams.waiting(self.kernel.redis, self.kernel.settings.one_writer).get(self.group, [])
        if not all(self._is_held(lane) for lane in waiting):
            self.kernel.ring(self.group, 0)


def flush(kernel: Kernel, group: str, token: str) -> bool:
    """Carry out all that waits in the group's lanes. Returns False when another flush is at it."""
    return Flush(kernel, group, token).run()
