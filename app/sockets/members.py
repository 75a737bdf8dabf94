"""Beacons on sockets: which connection speaks for which beacon. All of it lives in the loop."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from time import monotonic
from typing import Any

import uuid_utils

from app.broker import Broker
from app.hub import contact
from app.hub.contact import CANCEL, Hand
from app.sockets.connection import Connection
from app.sockets.inboxes import Inboxes, Message
from app.sockets.loop import Loop

#: Seconds after the end of a connection in which its beacon may come back before it counts as gone.
GRACE_SECONDS = 3.0
#: Seconds for which signs of life are gathered.
GATHER_SECONDS = 0.25
#: Attempts that a connection remembers for clients whose reports do not name them.
REMEMBERED = 1_000

#: A close code of our own: another connection has the name now.
TAKEN_OVER = 4409


class Member:
    """One beacon on one connection."""

    def __init__(self, connection: Connection, beacon_id: str) -> None:
        self.connection = connection
        self.beacon_id = beacon_id
        self.token = str(uuid_utils.uuid4())
        self._attempts: OrderedDict[str, int] = OrderedDict()

    def push(self, messages: Iterable[Message]) -> None:
        """Tell the beacon what lay in its inbox."""
        self.connection.send_all(map(self._told, messages))

    def _told(self, message: Message) -> Message:
        if CANCEL in message:
            return {"EventType": CANCEL, "WorkItemHash": message[CANCEL], "AttemptNumber": message.get("AttemptNumber")}
        self._attempts[message["WorkItemHash"]] = message["AttemptNumber"]
        if len(self._attempts) > REMEMBERED:
            self._attempts.popitem(last=False)
        return {"EventType": "WorkItem", "WorkItem": message}

    def attempt(self, work_item_hash: str) -> int | None:
        """The attempt at which the item was given to this connection, None when it was not."""
        return self._attempts.get(work_item_hash)


class Members:
    """Beacons by their id. The newest connection of a beacon is the beacon, in this process and in all others."""

    def __init__(self, loop: Loop, broker: Broker) -> None:
        self._loop = loop
        self._broker = broker
        self._hub = loop.settings.hub
        self._of: dict[str, Member] = {}
        self._heard: dict[str, Hand | None] = {}
        self._looked = monotonic()
        self._inboxes = Inboxes(loop, broker, self._give, self._taken)
        loop.rounds.append(self._listen)

    def join(self, member: Member, done: Any, failed: Any) -> None:
        """Make the connection its beacon's own; `done` is called once every other web process will hear of it."""
        hub, token, id = self._hub, member.token, member.beacon_id

        def joined(_: Any) -> None:
            if not member.connection.open:
                self._gone_after_grace(member)
                return
            older = self._of.get(id)
            self._of[id] = member
            self._displace(older)
            done()
            self._inboxes.add(id)
            # What came while nobody was in charge: the word about it has been heard already.
            self._loop.errand(lambda: contact.call(self._broker.quick, hub, id))

        self._loop.errand(lambda: contact.take_over(self._broker.quick, hub, id, token), joined, failed)

    def leave(self, member: Member) -> None:
        """The beacon has said goodbye: the end of its connection means nothing any more."""
        if self._of.get(member.beacon_id) is member:
            self._forget(member)

    def lost(self, member: Member) -> None:
        """The connection has ended. If it was the beacon's newest, the beacon is gone unless it comes back soon."""
        if self._of.get(member.beacon_id) is member:
            self._forget(member)
            self._gone_after_grace(member)

    def touch(self, beacon_id: str, hand: Hand | None = None) -> None:
        """Note a sign of life; many are told to the broker together."""
        if not self._heard:
            self._loop.later(GATHER_SECONDS, self._tell)
        if hand is not None or beacon_id not in self._heard:
            self._heard[beacon_id] = hand

    def stop(self) -> None:
        self._inboxes.stop()

    def _forget(self, member: Member) -> None:
        del self._of[member.beacon_id]
        self._heard.pop(member.beacon_id, None)
        self._inboxes.remove(member.beacon_id)

    def _gone_after_grace(self, member: Member) -> None:
        since = contact.now_ms()
        hub, id, token = self._hub, member.beacon_id, member.token
        self._loop.later(GRACE_SECONDS, lambda: self._loop.errand(lambda: contact.gone(self._broker.quick, hub, id, token, since)))

    def _tell(self) -> None:
        heard, self._heard = self._heard, {}
        if heard:
            self._loop.errand(lambda: contact.touch_all(self._broker.quick, self._hub, heard))

    def _listen(self, now: float) -> None:
        """Whoever answered a ping is there, also one that is too busy for a heartbeat."""
        for id, member in self._of.items():
            if member.connection.heard > self._looked:
                self.touch(id)
        self._looked = now

    def _give(self, beacon_id: str, messages: list[Message]) -> None:
        member = self._of.get(beacon_id)
        if member is None or not member.connection.open:
            self._loop.errand(lambda: self._inboxes.put_back(beacon_id, messages))
            return
        member.push(messages)

    def _taken(self, beacon_id: str, token: str) -> None:
        member = self._of.get(beacon_id)
        if member is not None and member.token != token:
            # The word may be older than our own connection, so it is only a reason to look.
            hub = self._hub
            self._loop.errand(lambda: contact.is_newest(self._broker.quick, hub, beacon_id, member.token), lambda newest: self._judge(member, newest))

    def _judge(self, member: Member, newest: bool) -> None:
        if not newest and self._of.get(member.beacon_id) is member:
            self._forget(member)
            self._displace(member)

    @staticmethod
    def _displace(member: Member | None) -> None:
        if member is not None:
            member.connection.close(TAKEN_OVER, "another connection has this name now")
