"""One client's conversation: what each frame leads to. Lives in the loop.

A frame may carry a RequestID; then it is answered by {EventType: "Answer", RequestID, Status, ...}. The original's clients send none and
are answered as the original answers them. What cannot be understood or carried out is answered by an Error frame, and never ends more than itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any

import structlog

from app import identities
from app.identity import Identity
from app.sockets import callers, frames, uploads
from app.sockets.callers import Caller
from app.sockets.connection import Connection
from app.sockets.frames import BadFrame, Frame
from app.sockets.members import Member
from app.sockets.post import Letter
from app.sockets.rooms import Rooms
from schema.access.rules import SERVE
from schema.base import ANONYMOUS, Actor, Command
from schema.errors import UltravisorError
from schema.outcome import Done, Outcome

log = structlog.get_logger()

#: Commands of one connection that may be on their way; above it nothing more is read, below half of it again.
UNDER_WAY = 500
#: The hub cannot take more now; come back later.
TRY_LATER = 1013

Answer = Callable[[Frame], None]


class Desk:
    """Implements `app.sockets.connection.Desk`."""

    def __init__(self, rooms: Rooms, connection: Connection, caller: Caller) -> None:
        self._loop = rooms.loop
        self._hub = rooms.loop.settings.hub
        self._post = rooms.post
        self._members = rooms.members
        self._viewers = rooms.viewers
        self._followers = rooms.followers
        self._callers = rooms.callers
        self._connection = connection
        self.caller = caller
        self.since = monotonic()
        self._member: Member | None = None
        self._upload: uploads.Upload | None = None
        #: What has come in while a file was being stored: it is heard afterwards, for a result follows its files.
        self._later: deque[tuple[Callable[[bytes], None], bytes]] = deque()
        self._storing = False
        self._under_way = 0
        self._loop.connections.add(connection)
        self._callers.add(self)

    @property
    def serves(self) -> bool:
        """Whether a beacon has this connection."""
        return self._member is not None

    def dismiss(self, why: str) -> None:
        """Close it because of who it is."""
        self._connection.close(callers.REJECTED if self.serves else callers.POLICY, why)

    def text(self, data: bytes) -> None:
        if self._storing:
            self._later.append((self.text, data))
            return
        frame: Frame = {}
        try:
            frame = frames.read(data, self._loop.settings.most_nested)
            handle = _HANDLERS.get(frame["Action"])
            if handle is None:
                raise BadFrame("bad_request", "There is no such Action.")
            if frame["Action"] != "BeaconRegister":
                callers.judge(self.caller, frame["Action"])
            handle(self, frame)
        except BadFrame as bad:
            self._decline(frame, bad)
        except UltravisorError as error:
            self._refuse(frame, error.code, error.text, {})
        except Exception as error:
            log.error("frame_failed", exc_info=error)
            self._refuse(frame, "internal", "The hub made a mistake; it is logged.", {})

    def _decline(self, frame: Frame, bad: BadFrame) -> None:
        told = callers.asks_to_log_in(frame["Action"]) if bad.code == "unauthenticated" and not self.caller.open else None
        if told is None:
            self._refuse(frame, bad.code, bad.text, bad.details)
        else:
            self._connection.send(told)
            self._connection.close(callers.POLICY, bad.text)

    def binary(self, data: bytes) -> None:
        if self._storing:
            self._later.append((self.binary, data))
            return
        upload, self._upload = self._upload, None
        if upload is None:
            self._refuse({}, "bad_request", "A binary frame must follow WorkResultUpload.", {})
            return
        self._storing = True
        self._connection.hold(True)
        self._members.touch(upload.beacon_id)
        stored = uploads.storing(self._hub, upload, data)
        self._loop.errand(stored, lambda told: self._stored(upload, told), lambda _: self._stored(upload, uploads.FAILED), long=True)

    def _stored(self, upload: uploads.Upload, told: Frame) -> None:
        """Say what became of the file, and hear what has come in meanwhile."""
        self._storing = False
        self._connection.hold(False)
        self._acknowledge(upload, told)
        while self._later and not self._storing:
            hear, data = self._later.popleft()
            self._connection.size = len(data)
            hear(data)

    def lost(self) -> None:
        self._loop.connections.discard(self._connection)
        self._callers.remove(self)
        self._viewers.leave(self._connection)
        self._followers.leave(self._connection)
        if self._member is not None:
            self._members.lost(self._member)

    # Beacons.

    def _register(self, frame: Frame) -> None:
        """In open mode, or with a login that may serve, at once; else by the JoinSecret, which somebody must look up."""
        secret, name = frame.get("JoinSecret"), frame.get("Name")
        if self.caller.open or (self.caller.identity is not None and self.caller.identity.may(SERVE)):
            self._admit(frame)
            return

        def judged(joined: Identity | None) -> None:
            if joined is None:
                self._reject("The JoinSecret is not one of this hub's." if secret else "This hub is secured: a beacon needs a login or a JoinSecret.")
                return
            self.caller = replace(self.caller, identity=joined)
            try:
                self._admit(frame)
            except BadFrame as bad:
                self._decline(frame, bad)
            except UltravisorError as error:
                self._refuse(frame, error.code, error.text, {})

        found = str(name) if isinstance(name, str) else ""
        self._loop.errand(lambda: identities.joined(secret, found), judged, lambda _: self._connection.close(TRY_LATER, "the database is away"))

    def _reject(self, reason: str) -> None:
        """As the original does it, so that its clients understand."""
        self._connection.send({"EventType": "BeaconRejected", "Reason": reason})
        self._connection.close(callers.REJECTED, reason)

    def _admit(self, frame: Frame) -> None:
        command = frames.registration(frame, self._hub, self.caller.session, self.caller.owner)

        def registered(outcome: Outcome | UltravisorError) -> None:
            if not isinstance(outcome, Done):
                if outcome.code == "forbidden":
                    self._reject(outcome.text)
                else:
                    self._refuse(frame, *_why(outcome))
                return
            record = outcome.value
            older, self._member = self._member, Member(self._connection, record["BeaconID"])
            if older is not None and older.beacon_id != record["BeaconID"]:
                self._members.lost(older)
            told = {"EventType": "BeaconRegistered", "Acknowledges": True, **record}
            self._members.join(self._member, lambda: self._answer(frame, told), lambda _: self._connection.close(TRY_LATER, "the broker is away"))

        known = self.caller.identity
        self._send(command, ANONYMOUS if known is None else known.actor, 2_000, registered)

    def _heartbeat(self, frame: Frame) -> None:
        member = self._known(frame)
        self._members.touch(member.beacon_id, frames.hand(frame))
        self._done(frame, 200, {"BeaconID": member.beacon_id})

    def _report(self, frame: Frame) -> None:
        member = self._known(frame)
        command = frames.report(frame, self._hub, member.beacon_id, member.attempt)
        self._members.touch(member.beacon_id)

        def judged(outcome: Outcome | UltravisorError) -> None:
            if isinstance(outcome, Done):
                self._done(frame, outcome.status, outcome.value)
            else:
                self._refuse(frame, *_why(outcome))

        self._send(command, Actor("beacon", member.beacon_id), self._connection.size, judged)

    def _deregister(self, frame: Frame) -> None:
        member = self._known(frame)
        self._members.leave(member)
        self._member = None
        told = {"EventType": "Deregistered", "BeaconID": member.beacon_id}
        command = frames.deregistration(self._hub, member.beacon_id)
        self._send(command, Actor("beacon", member.beacon_id), 200, lambda _: self._answer(frame, told))

    def _announce(self, frame: Frame) -> None:
        member = self._known(frame)
        self._upload = uploads.announced(frame, member.beacon_id, member.attempt)
        if self._upload.size > self._loop.settings.max_frame:
            self._acknowledge(self._upload, uploads.refused("too_large", "The file is larger than UV_MAX_FRAME; send it over HTTP."))
            self._upload = None

    def _acknowledge(self, upload: uploads.Upload, told: Frame) -> None:
        about = {"Action": uploads.ACKNOWLEDGED, "EventType": uploads.ACKNOWLEDGED, "WorkItemHash": upload.work_item_hash}
        self._connection.send(about | told | _echo(upload.frame))

    def _known(self, frame: Frame) -> Member:
        if self._member is None:
            raise BadFrame("unauthenticated", "This connection speaks for no beacon; register first.")
        if frame.get("BeaconID") not in (None, "", self._member.beacon_id):
            raise BadFrame("forbidden", "This connection speaks for another beacon.")
        return self._member

    # Those who watch.

    def _watch(self, frame: Frame) -> None:
        self._viewers.join(self._connection, frames.judged(frames.SubscribeWire, frame)["LastEventGUID"])

    def _unwatch(self, frame: Frame) -> None:
        self._viewers.leave(self._connection)

    def _watch_run(self, frame: Frame) -> None:
        body = frames.judged(frames.SubscribeWire, frame)
        self._followers.join(self._connection, body["RunHash"], body["LastEventGUID"])

    def _unwatch_run(self, frame: Frame) -> None:
        self._followers.leave(self._connection, frames.judged(frames.SubscribeWire, frame)["RunHash"])

    # Answers.

    def _send(self, command: Command, actor: Actor, size: int, then: Callable[[Outcome | UltravisorError], None]) -> None:
        def told(outcome: Outcome | UltravisorError) -> None:
            self._loop.call(settled, outcome)

        def settled(outcome: Outcome | UltravisorError) -> None:
            self._under_way -= 1
            if self._under_way <= UNDER_WAY // 2:
                self._connection.hold(False)
            then(outcome)

        self._post.put(Letter(command, actor, told, size))
        self._under_way += 1
        if self._under_way >= UNDER_WAY:
            self._connection.hold(True)

    def _answer(self, frame: Frame, told: Frame) -> None:
        """What the original answers too, with the caller's RequestID where it gave one."""
        self._connection.send(told | _echo(frame))

    def _done(self, frame: Frame, status: int, value: Frame) -> None:
        if "RequestID" in frame:
            self._connection.send({**value, "EventType": "Answer", "HttpStatus": status} | _echo(frame))

    def _refuse(self, frame: Frame, code: str, text: str, details: Frame) -> None:
        about = {name: frame[name] for name in ("Action", "WorkItemHash") if isinstance(frame.get(name), str)}
        self._connection.send({**details, **about, "EventType": "Error", "Error": text, "Code": code} | _echo(frame))


def _echo(frame: Frame) -> Frame:
    id = frame.get("RequestID")
    return {"RequestID": id} if isinstance(id, str | int) and len(str(id)) <= 128 else {}


def _why(outcome: Any) -> tuple[str, str, Frame]:
    """Code, text and details of a refusal or of a failure."""
    return outcome.code, outcome.text, getattr(outcome, "details", {})


_HANDLERS: dict[str, Callable[[Desk, Frame], None]] = {
    "BeaconRegister": Desk._register,
    "BeaconHeartbeat": Desk._heartbeat,
    "WorkProgress": Desk._report,
    "WorkComplete": Desk._report,
    "WorkError": Desk._report,
    "WorkResultUpload": Desk._announce,
    "Deregister": Desk._deregister,
    "QueueSubscribe": Desk._watch,
    "QueueUnsubscribe": Desk._unwatch,
    "Subscribe": Desk._watch_run,
    "Unsubscribe": Desk._unwatch_run,
}
