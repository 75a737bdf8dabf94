"""Follow a hub's changes into the database that its operator has chosen. A lane whose journal is the table of changes.

One step: the changes after the mark, the rows as they are now, one transaction over there with rows and mark. What fails anywhere leaves
the mark where it was, so nothing is skipped; what is done twice stores the same rows. The hub itself never waits: it notes what has
changed, and rings.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from random import uniform
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import exc

from schema import envelope as keys
from schema.bridge.commands import Note
from schema.bridge.rules.states import BOOTSTRAPPED
from schema.bridge.sources import SOURCES
from tasks.bridge import loading, reading, telling
from tasks.bridge.landing import Landing, LostMark, Mark
from tasks.bridge.loading import Room
from tasks.bridge.reading import Standing
from tasks.crash import crash_point
from tasks.failures import is_transient
from tasks.gateway.ensuring import Unshaped
from tasks.gateway.opening import engine_for
from tasks.kernel import Closed, Kernel
from tasks.lease import Lease
from tasks.sweep import ask
from tasks.unit import look

log = structlog.get_logger()

#: Seconds of one run; then it hands over to a fresh message, so that a stopping worker never waits long for it.
LIFE_SECONDS = 5.0
#: Seconds that an idle run waits for the next change before it lets go.
LINGER_SECONDS = 0.5
#: Seconds from one small load to the next: what changes meanwhile goes together. Well below what a person notices.
PACE_SECONDS = 0.05
#: Changes of a load from which on there is no pause: there is more where they come from.
FULL = 500
#: Seconds between two tries of a database that is not to be had: at first, at most. A random part of up to a half is taken off.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0


class Away(Exception):
    """The database over there does not answer."""


class Refuses(Exception):
    """The database over there answers, and says no."""


class Mirror:
    """One run for one hub and connection."""

    def __init__(self, kernel: Kernel, reader: str) -> None:
        self.kernel, self.reader = kernel, reader
        _, connection, self.hub = reader.split("/", 2)
        self.connection = int(connection)
        self.landing: Landing | None = None
        self.mark = Mark()
        self.room = Room()
        self.begun = False
        self.at: datetime | None = None

    def run(self, lease: Lease) -> bool:
        """Work until nothing is left or the time is over. Returns whether there is more."""
        end = monotonic() + LIFE_SECONDS
        while monotonic() < end:
            lease.keep()
            with look(self.kernel.engine) as control:
                stands = reading.standing(control, self.hub)
            if stands is None or stands.reader != self.reader:
                return False  # given up, or led elsewhere
            if self.landing is None:
                self.landing = self._arrive(stands)
            began = monotonic()
            moved = self._step(self.landing, stands)
            if moved:
                telling.progress(self.kernel, self.hub, self.connection, self.mark, stands.last, at=self.at)
            else:
                self._caught_up(stands)
                if not self._wait(LINGER_SECONDS):
                    return False
            if moved < FULL:
                self._rest(PACE_SECONDS - (monotonic() - began))
        return True

    def _arrive(self, stands: Standing) -> Landing:
        """Make what is missing over there, and find our mark."""
        kernel = self.kernel
        with self._abroad():
            landing = Landing(engine_for(kernel, self.connection, "write", live=False), self.hub)
            if stands.state != BOOTSTRAPPED:
                self.begun = True
                self.note("begun")
                landing.prepare(engine_for(kernel, self.connection, "build", live=False), stands.actor)
            found = landing.read_mark()
            if found is None:
                landing.enter(stands.feed, kernel.now())
                found = landing.read_mark()
            assert found is not None
            grown = found.position >= 0 and not {source.scope for source in SOURCES.values()} <= set(found.counts)
            if grown and not self.begun:
                landing.prepare(engine_for(kernel, self.connection, "build", live=False), stands.actor)
            if grown or self.begun:
                found = landing.extended(found, kernel.now())
            telling.arrival(kernel, self.hub, self.connection, landing.neighbours())
        if found.feed != stands.feed or not 0 <= found.position <= stands.last:
            # Another numbering, or one that is ahead of ours: what lies between is unknown, so everything is copied.
            reading.await_open_units(kernel.engine, self.hub)
            with look(kernel.engine) as control:
                now = reading.standing(control, self.hub)
            if now is not None:
                with self._abroad():
                    found = landing.restarted(found, now.feed, now.last, kernel.now())
        self.mark = found
        return landing

    def _step(self, landing: Landing, stands: Standing) -> int:
        """Bring one load. Returns how many changes or rows it was."""
        with look(self.kernel.engine) as control:
            load, count = loading.loaded(control, self.hub, self.mark, self.room)
        if load is None:
            return 0
        crash_point("changes_loaded")
        with self._abroad():
            self.mark = landing.store(self.mark, stands.feed, load, self.kernel.now())
        self.at = load.at
        crash_point("changes_stored")
        return max(count, 1)

    def _caught_up(self, stands: Standing) -> None:
        if stands.state != BOOTSTRAPPED:
            self.note("ready")
        self.kernel.redis.hdel(keys.mirror(self.hub), "tries")
        telling.progress(self.kernel, self.hub, self.connection, self.mark, stands.last, rests=True)

    def note(self, happening: str, error: str = "") -> None:
        ask(self.kernel, Note(hub=self.hub, connection=self.connection, happening=happening, error=error[:500]))

    def _wait(self, seconds: float) -> bool:
        """Whether there are changes again. A call that is lost is made good by the sweep."""
        return bool(self.kernel.redis.blpop([keys.wake(self.reader)], timeout=seconds))

    def _rest(self, seconds: float) -> None:
        if seconds > 0:
            self.kernel.redis.blpop([f"{keys.wake(self.reader)}:rest"], timeout=max(seconds, 0.01))

    @contextmanager
    def _abroad(self) -> Iterator[None]:
        """Tell failures over there from our own."""
        try:
            yield
        except (Closed, Unshaped) as error:
            raise Refuses(str(error)) from error
        except LostMark as error:
            raise Away(str(error)) from error
        except exc.SQLAlchemyError as error:
            said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            raise (Away if is_transient(error) else Refuses)(said or type(error).__name__) from error


def flush(kernel: Kernel, reader: str, token: str) -> bool:
    """Bring what has changed. Returns False when another run is at it. Raises what is transient on our own side."""
    if kernel.redis.exists(keys.hold(reader)):
        return True
    lease = Lease(kernel.redis, reader, token)
    if not lease.take():
        return False
    mirror, more = Mirror(kernel, reader), False
    try:
        more = mirror.run(lease)
    except (Away, Refuses) as error:
        if mirror.landing is not None:
            mirror.landing.engine.dispose()  # what an operator changes may hold for new connections alone
        _hold(kernel, mirror, error)
    finally:
        lease.leave()
    if more or waits(kernel, mirror.hub, reader):
        kernel.ring(reader, 0)
    return True


def _hold(kernel: Kernel, mirror: Mirror, error: Exception) -> None:
    """Leave the database alone for a while, longer each time, and say why. Nothing is gathered meanwhile: changes lie in SQL, each row once."""
    tries: Any = kernel.redis.hincrby(keys.mirror(mirror.hub), "tries", 1)
    pause = min(FIRST_PAUSE * 2.0 ** min(int(tries), 10), LONGEST_PAUSE) * uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
    kernel.redis.set(keys.hold(mirror.reader), "1", px=max(1, int(pause * 1000)))
    log.warning("mirror_held", hub=mirror.hub, connection=mirror.connection, tries=tries, error=type(error.__cause__ or error).__name__)
    with look(kernel.engine) as control:
        stands = reading.standing(control, mirror.hub)
    happening = "lost" if isinstance(error, Away) else "failed"
    if stands is not None and stands.reader == mirror.reader and (tries == 1 or mirror.begun or stands.error != str(error)[:500]):
        mirror.note(happening, str(error))
    kernel.ring(mirror.reader, pause + 0.05)


def waits(kernel: Kernel, hub: str, reader: str) -> bool:
    """Whether changes wait that nobody holds back: one look at the hub's list, which is filled with each commit."""
    return bool(kernel.redis.llen(keys.wake(reader))) and not kernel.redis.exists(keys.hold(reader))
