"""Those who follow runs over sockets: each event of a run once, in order and without gaps, up to its end.

Lives in the loop. A run's history in SQL is the truth: what the stream brings is passed on where it is the next
piece, and is a reason to look where it is not. So neither a broker that was emptied nor a viewer that was slow loses anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.runs import questions
from app.sockets.connection import SLOW_SECONDS, Connection
from app.sockets.frames import BadFrame
from app.sockets.loop import Loop
from app.sockets.relay import Item, Relay
from app.sockets.viewers import SLOW, TRY_LATER, UNREAD
from app.tail import Reset, Tail
from schema.runs.rules.run import FINAL
from schema.runs.wire import event_record

TOPICS = ("run",)
#: How an event of a run begins in its stream: kind first, then the run.
_KIND, _RUN = b'{"Topic":"execution.', b'"RunHash":"'
#: Runs that one connection may follow.
MOST_FOLLOWED = 200
#: Events that one look takes; whoever has missed more reads the manifest.
PAGE = 5_000

Row = Mapping[Any, Any]


@dataclass(eq=False, slots=True)
class Follow:
    """One connection and one run. `through` is the Seq of the last event told, None while the past is being read."""

    connection: Connection
    run_hash: str
    through: int | None = None
    #: The newest Seq that was heard of, and whether somebody is looking.
    heard: int = 0
    looking: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What there was when somebody began to follow: up to which Seq, what is told of it, and whether the event that was named is known."""

    through: int
    rows: Sequence[Row] = ()
    known: bool = True


class Followers:
    """The relay begins with the first who follows and ends with the last."""

    def __init__(self, loop: Loop, tail: Tail) -> None:
        self._loop = loop
        self._tail = tail
        self._hub = loop.settings.hub
        self._runs: dict[str, dict[Connection, Follow]] = {}
        self._followed: dict[Connection, set[str]] = {}
        self._relay = Relay(loop, tail, TOPICS, self._spread, self._concerns, self._look_all)

    def join(self, connection: Connection, run_hash: str, last_guid: str | None) -> None:
        """Follow a run; joining again begins anew. Raises BadFrame for one run too many."""
        if not run_hash:
            raise BadFrame("invalid", "RunHash is needed.", Fields={"RunHash": ["Missing data for required field."]})
        mine = self._followed.setdefault(connection, set())
        if len(mine) >= MOST_FOLLOWED and run_hash not in mine:
            raise BadFrame("bad_request", f"One connection follows at most {MOST_FOLLOWED} runs.")
        mine.add(run_hash)
        follow = Follow(connection, run_hash)
        self._runs.setdefault(run_hash, {})[connection] = follow
        self._loop.errand(lambda: self._past(run_hash, last_guid), lambda past: self._begin(follow, last_guid, past), lambda _: self._away(follow))

    def leave(self, connection: Connection, run_hash: str = "") -> None:
        """Follow a run no longer, or none. Leaving twice is no mistake."""
        mine = self._followed.get(connection, set())
        for hash in [run_hash] if run_hash else list(mine):
            mine.discard(hash)
            followers = self._runs.get(hash, {})
            followers.pop(connection, None)
            if not followers:
                self._runs.pop(hash, None)
        if not mine:
            self._followed.pop(connection, None)
        if not self._followed:
            self.stop()

    def stop(self) -> None:
        self._relay.stop()

    def _here(self, follow: Follow) -> bool:
        return self._runs.get(follow.run_hash, {}).get(follow.connection) is follow

    def _away(self, follow: Follow) -> None:
        if self._here(follow):
            self.leave(follow.connection)
            follow.connection.close(TRY_LATER, "the database or the broker is away")

    # The past.

    def _past(self, run_hash: str, last_guid: str | None) -> Past:
        """Blocks. The relay runs before it looks, so that nothing falls between the two."""
        self._relay.start()
        standing = questions.standing_of(self._hub, run_hash)
        seq = 0 if standing is None else standing["seq"]
        if last_guid is None:
            # Whoever comes too late for the end is told of it, and does not wait for ever.
            ended = standing is not None and standing["status"] in FINAL
            return Past(seq, questions.events_of(run_hash, 1, seq - 1) if ended else ())
        place = questions.place_of(run_hash, last_guid) if standing is not None else None
        if place is None or seq - place > PAGE:
            return Past(seq, known=False)
        rows = questions.events_of(run_hash, PAGE, place)
        return Past(rows[-1]["seq"] if rows else place, rows)

    def _begin(self, follow: Follow, last_guid: str | None, past: Past) -> None:
        if not self._here(follow):
            return
        if not past.known:
            self._mark(follow, "execution.reset", {"Reason": "history-too-old", "LastEventGUID": last_guid})
        elif last_guid is not None:
            self._mark(follow, "execution.replay_begin", {"FromGUID": last_guid, "Count": len(past.rows)})
        for row in past.rows:
            self._show(follow, orjson.dumps(event_record(row)))
        if past.known and last_guid is not None:
            through = past.rows[-1]["event_guid"] if past.rows else last_guid
            self._mark(follow, "execution.replay_complete", {"ThroughGUID": through, "Count": len(past.rows)})
        follow.through = past.through
        if follow.heard > past.through:
            self._look(follow)

    def _look(self, follow: Follow) -> None:
        """Tell what SQL has beyond what was told."""
        if follow.looking or follow.through is None:
            return
        follow.looking, through = True, follow.through

        def found(rows: Sequence[Row]) -> None:
            follow.looking = False
            if not self._here(follow):
                return
            for row in rows:
                self._show(follow, orjson.dumps(event_record(row)))
                follow.through = row["seq"]
            if rows and follow.heard > rows[-1]["seq"]:
                self._look(follow)

        self._loop.errand(lambda: questions.events_of(follow.run_hash, PAGE, through), found, lambda _: self._away(follow))

    # The present.

    def _concerns(self, item: Item) -> bool:
        """Most runs are followed by nobody: their events do not wake the loop."""
        return isinstance(item, Reset) or run_of(item.data) in self._runs

    def _look_all(self) -> None:
        for follow in [follow for followers in self._runs.values() for follow in followers.values()]:
            self._look(follow)

    def _spread(self, item: Item) -> None:
        if isinstance(item, Reset):
            self._look_all()
            return
        event = orjson.loads(item.data)
        told = {**event["Payload"], "EventGUID": event["EventGUID"], "EmittedAt": event["EmittedAt"]}
        text = orjson.dumps(told)
        for follow in list(self._runs.get(told["RunHash"], {}).values()):
            self._tell(follow, told["Seq"], text)

    def _tell(self, follow: Follow, seq: int, text: bytes) -> None:
        follow.heard = max(follow.heard, seq)
        if follow.looking or follow.through is None or seq <= follow.through:
            return
        if seq == follow.through + 1:
            follow.through = seq
            self._show(follow, text)
        else:
            self._look(follow)

    def _mark(self, follow: Follow, kind: str, data: dict[str, Any]) -> None:
        """A marker is in no history and has no number."""
        self._show(follow, orjson.dumps({"EventType": kind, "RunHash": follow.run_hash, "Data": data}))

    def _show(self, follow: Follow, text: bytes) -> None:
        if follow.connection.unsent > UNREAD:
            self.leave(follow.connection)
            follow.connection.close(TRY_LATER, SLOW, SLOW_SECONDS)
        else:
            follow.connection.send_bytes(text)


def run_of(data: bytes) -> str:
    """The run of an event as its stream has it, empty for an event of another kind.

    >>> run_of(b'{"Topic":"execution.TaskStart","Payload":{"RunHash":"run-1","Seq":2}}'), run_of(b'{"Topic":"operation.saved"}')
    ('run-1', '')
    """
    if not data.startswith(_KIND):
        return ""
    return data.partition(_RUN)[2].partition(b'"')[0].decode()
