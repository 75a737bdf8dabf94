"""Flush of a lane whose batches change a foreign database: exactly once there, and told at home.

Two databases share no commit. The batch's transaction abroad also moves the lane's mark, and leaves in it what the hub must learn:
outcomes, events, orders. That commit decides. The hub follows in a transaction of its own, with its cursor. Whoever finds a mark that is
ahead of the cursor tells first and goes on then, so a batch is never applied twice, and never forgotten, whatever dies in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import orjson
import sqlalchemy as sa
import structlog
from sqlalchemy import exc

from schema import envelope as keys
from schema.envelope import Envelope, decode
from schema.ledger.abroad import mark, metadata
from schema.outcome import Outcome, Refused
from schema.sql import to_wire
from tasks import cursor, homecoming, outbox, streams
from tasks.burial import bury, count_try, forget_try
from tasks.crash import crash_point
from tasks.failures import LostCursor, is_transient
from tasks.frame import current
from tasks.kernel import Closed, Foreign, Kernel
from tasks.lease import Lease
from tasks.receipts import Receipts
from tasks.streams import Entry
from tasks.unit import Unit, look
from tasks.visit import Told, Visit

log = structlog.get_logger()

#: Entries of one batch: what it leaves to be told is one row.
BATCH = 200
#: Tries of an envelope that ends in an error of ours before it goes to the dead letters.
TRIES = 3
LIFE_SECONDS = 2.0
LINGER_MS = 30

_MINE = mark.c.lane == sa.bindparam("in_lane")
_TOLD = sa.select(mark.c.epoch, mark.c.position, mark.c.told).where(_MINE)
_MOVE = sa.update(mark).where(_MINE, mark.c.position == sa.bindparam("old"), mark.c.epoch == sa.bindparam("was"))

#: Where a mark stands: epoch and entry.
Stand = tuple[str, str]


class Abroad:
    """One run over one lane."""

    def __init__(self, kernel: Kernel, lane: str, token: str) -> None:
        self.kernel, self.lane = kernel, lane
        self.lease = Lease(kernel.redis, lane, token)
        self.epoch, self.position = "", cursor.START
        self.place: Foreign | None = None
        self.stand: Stand | None = None
        self.careful = ""
        self.sent: list[str] = []

    def run(self) -> bool:
        """Flush until nothing waits. Returns False when somebody else is at it. Raises what is transient; nothing is lost by it."""
        if not self.lease.take():
            return False
        try:
            self._work()
        except LostCursor as lost:
            log.info("cursor_lost", group=self.lane, reason=str(lost))
        finally:
            self.lease.leave()
        if streams.waiting_lanes(self.kernel.redis, [self.lane]):
            self.kernel.ring(self.lane, 0)
        return True

    def _work(self) -> None:
        end = monotonic() + LIFE_SECONDS
        while monotonic() < end:
            self.lease.renew()
            seen = streams.look(self.kernel.redis, False, self.lane, {self.lane: self.position}, BATCH)
            if seen.epoch != self.epoch:
                self._learn(seen.epoch)
            elif found := seen.entries.get(self.lane):
                self._pass(found)
            elif not streams.wait_for_entries(self.kernel.redis, {self.lane: self.position}, LINGER_MS):
                break
        if self.sent:
            with self.kernel.engine.begin() as connection:
                outbox.tidy(connection, self.sent)

    def _learn(self, epoch: str) -> None:
        """Take up the lane in this life of the broker: where it stands at home, and whether a batch was left half told."""
        self.epoch = epoch
        kernel = self.kernel
        with look(kernel.engine) as connection:
            known = cursor.positions(connection, epoch, [self.lane])
        if not known:
            cursor.enter(kernel.engine, [self.lane], epoch, kernel.now())
        self.position = known.get(self.lane, cursor.START)
        streams.settle(kernel.redis, epoch, known)
        left: bytes | None = kernel.redis.hget(keys.running(self.lane), self.lane)  # type: ignore[assignment]  # the client is synchronous
        self.careful = left.decode() if left else ""
        self.place = self.stand = None

    def _pass(self, entries: list[Entry]) -> None:
        """One batch. A database that cannot be opened is told to those who wait; what nobody waits for stays in its place."""
        try:
            self._arrive()
        except Closed as error:
            self._decline(entries, Refused(error.code, str(error)))
            return
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("database_closed", lane=self.lane, error=type(error).__name__)
            if not self._decline(entries, Refused("target_unavailable", "The database behind this connection does not answer. Nothing was changed.")):
                raise
            return
        entries = [entry for entry in entries if streams.id_key(entry[0].decode()) > streams.id_key(self.position)]
        careful = [entry for entry in entries if self.careful and streams.id_key(entry[0].decode()) <= streams.id_key(self.careful)]
        if careful:
            for entry in careful:
                self.lease.renew()
                self._single(entry)
            return
        if entries:
            self._batch(entries)

    def _arrive(self) -> None:
        """Open the database, make our table there at the first time, and tell what an earlier flush has not told."""
        if self.stand is not None:
            return
        self.place = self.kernel.open(self.kernel, self.lane)
        with self.place.engine.begin() as connection:
            row = _standing(connection, self.place.key)
        if row is None:
            row = self._enter(self.place)
        self.stand = (row.epoch, row.position)
        told_until = self._home_position(row.epoch)
        if row.epoch and streams.id_key(row.position) > streams.id_key(told_until):
            log.info("batch_told_late", lane=self.lane, position=row.position)
            self._tell(row.epoch, told_until, row.position, Told(**orjson.loads(row.told)))
            if row.epoch == self.epoch:
                self.position = row.position

    def _enter(self, place: Foreign) -> Any:
        metadata.create_all(place.engine)
        # Somebody else has entered it in the same moment: as good.
        with suppress(exc.IntegrityError), place.engine.begin() as connection:
            first = {"lane": place.key, "epoch": "", "position": cursor.START, "told": "{}", "moved_at": self.kernel.now()}
            connection.execute(sa.insert(mark), first)
        with place.engine.begin() as connection:
            row = _standing(connection, place.key)
        assert row is not None
        return row

    def _home_position(self, epoch: str) -> str:
        with look(self.kernel.engine) as connection:
            return cursor.positions(connection, epoch, [self.lane]).get(self.lane, cursor.START)

    def _batch(self, entries: Sequence[Entry]) -> None:
        client = self.kernel.redis
        client.hset(keys.running(self.lane), self.lane, entries[-1][0].decode())
        try:
            self._apply(entries)
        except LostCursor:
            raise
        except Exception as error:
            client.hdel(keys.running(self.lane), self.lane)
            self.stand = None
            if is_transient(error):
                raise
            log.warning("batch_failed", lane=self.lane, entries=len(entries), error=type(error).__name__)
            self.careful = entries[-1][0].decode()
            return
        client.hdel(keys.running(self.lane), self.lane)

    def _single(self, entry: Entry) -> None:
        """Each try counts before it starts, so that one that kills its worker counts too."""
        count = count_try(self.kernel.redis, self.lane, entry)
        error: Exception = RuntimeError("each try ended the process that made it")
        while count <= TRIES:
            try:
                self._arrive()
                self._apply([entry])
            except Exception as failure:
                self.stand = None
                if isinstance(failure, LostCursor) or is_transient(failure):
                    forget_try(self.kernel.redis, self.lane, entry)
                    raise
                log.warning("command_failed", lane=self.lane, entry=entry[0].decode(), tries=count, error=type(failure).__name__)
                error, count = failure, count_try(self.kernel.redis, self.lane, entry)
            else:
                self.kernel.redis.delete(keys.tries(self.lane))
                return
        self._bury(entry, count - 1, error)

    def _apply(self, entries: Sequence[Entry]) -> None:
        """The transaction abroad, then the one at home, then answers and events."""
        assert self.place is not None
        assert self.stand is not None
        kernel, last = self.kernel, entries[-1][0].decode()
        envelopes = [decode(data) for _, data in entries]
        known = homecoming.known(kernel.engine, envelopes)
        with self.place.engine.begin() as connection:
            visit = Visit(kernel, self.place, connection, self.lane, kernel.now(), kernel.new_id)
            replies = [(envelope, self._carry_out(envelope, visit, known)) for envelope in envelopes]
            if visit.told.settled:
                self._move(visit, last)
        crash_point("committed_abroad")
        if visit.told.settled:
            self.stand = (self.epoch, last)
        self._tell(self.epoch, self.position, last, visit.told, [(e, outcome) for e, outcome in replies if e.waited])
        self.position = last

    def _carry_out(self, envelope: Envelope, visit: Visit, known: homecoming.Known) -> Outcome:
        settled = known.settled(envelope)
        if settled is not None:
            return settled
        visit.envelope = envelope
        token = current.set(envelope)
        try:
            outcome: Outcome = self.kernel.verbs[envelope.command.name](envelope.command, visit)
        except Closed as error:
            outcome = Refused(error.code, str(error))
        finally:
            current.reset(token)
        known.keep(envelope, outcome)
        visit.told.settled.append(homecoming.settlement(envelope, outcome))
        return outcome

    def _move(self, visit: Visit, last: str) -> None:
        assert self.stand is not None
        told = orjson.dumps({name: getattr(visit.told, name) for name in Told.__slots__}).decode()
        values = {"epoch": self.epoch, "position": last, "told": told, "moved_at": visit.now}
        moved = visit.connection.execute(_MOVE.values(**values), {"in_lane": visit.place.key, "was": self.stand[0], "old": self.stand[1]})
        if moved.rowcount != 1:
            raise LostCursor(f"{self.lane} no longer stands at {self.stand[1]} abroad")

    def _tell(self, epoch: str, old: str, new: str, told: Told, replies: Sequence[tuple[Envelope, Outcome]] = ()) -> None:
        """The hub's own transaction, then what leaves after it. Whatever is not sent is sent by the next sweep."""
        kernel = self.kernel
        with kernel.engine.begin() as connection:
            unit = Unit(connection, self.lane, kernel.now(), kernel.new_id)
            if cursor.locked_position(connection, self.lane, epoch, unit.now) != old:
                raise LostCursor(f"{self.lane} is no longer at {old}")
            homecoming.follow(unit, told)
            outbox_id = unit.close()
            if self.sent:
                outbox.tidy(connection, self.sent)
            cursor.move(connection, self.lane, epoch, old, new, unit.now)
        self.sent = [outbox_id] if outbox_id else []
        pipe = kernel.redis.pipeline(transaction=False)
        outbox.answer(pipe, replies)
        outbox.send_events(pipe, told.events, to_wire(unit.now))
        if epoch == self.epoch:
            pipe.eval(streams.TRIM, 2, keys.EPOCH, keys.journal(self.lane), epoch, streams.next_id(new))
        pipe.execute()
        kernel.listen(told.events)
        outbox.append(kernel, [(lane, envelope.encode()) for lane, envelope in told.orders])

    def _decline(self, entries: Sequence[Entry], refusal: Refused) -> bool:
        """Refuse those at the head for whom somebody waits; orders are sent again by the sweep. Returns False when the first one must stay.

        No receipt is kept: with the same key it may go well the next time.
        """
        replies, last = [], ""
        for id, data in entries:
            envelope = decode(data)
            if not envelope.waited and envelope.order is None:
                break
            last = id.decode()
            if envelope.waited:
                replies.append((envelope, refusal))
        if last:
            self._tell(self.epoch, self.position, last, Told(), replies)
            self.position = last
        return bool(last)

    def _bury(self, entry: Entry, tries: int, error: Exception) -> None:
        kernel, last = self.kernel, entry[0].decode()
        with kernel.engine.begin() as connection:
            unit = Unit(connection, self.lane, kernel.now(), kernel.new_id)
            if cursor.locked_position(connection, self.lane, self.epoch, unit.now) != self.position:
                raise LostCursor(f"{self.lane} is no longer at {self.position}")
            replies = bury(unit, entry, tries, error)
            Receipts(unit, []).close()
            unit.close()
            cursor.move(connection, self.lane, self.epoch, self.position, last, unit.now)
        log.error("command_buried", lane=self.lane, entry=last, tries=tries, error=type(error).__name__)
        self.position = last
        pipe = kernel.redis.pipeline(transaction=False)
        outbox.answer(pipe, replies)
        pipe.delete(keys.tries(self.lane))
        pipe.eval(streams.TRIM, 2, keys.EPOCH, keys.journal(self.lane), self.epoch, streams.next_id(last))
        pipe.execute()


def _standing(connection: sa.Connection, key: str) -> Any:
    """Our row, None when it or its table is not there yet."""
    if not sa.inspect(connection).has_table(mark.name):
        return None
    return connection.execute(_TOLD, {"in_lane": key}).one_or_none()


def flush(kernel: Kernel, lane: str, token: str) -> bool:
    """Carry out all that waits in the lane. Returns False when another flush is at it."""
    return Abroad(kernel, lane, token).run()
