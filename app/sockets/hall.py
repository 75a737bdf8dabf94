"""All sockets of a web process, and who deals with them. Begins with the first socket."""

from __future__ import annotations

import logging
import socket
import threading

from flask import Flask
from websockets.server import ServerProtocol

from app.sockets.callers import Caller, Callers, caller_of
from app.sockets.connection import Connection
from app.sockets.desk import Desk
from app.sockets.followers import Followers
from app.sockets.loop import Loop
from app.sockets.members import Members
from app.sockets.post import Post
from app.sockets.rooms import Rooms
from app.sockets.viewers import Viewers
from schema.settings import Settings

#: Sockets of one process at most; each costs a descriptor and some 20 kB.
MOST = 5_000

GOING_AWAY = 1001

#: The protocol's own log would repeat what peers send.
QUIET = logging.getLogger("ultravisor.sockets")
QUIET.addHandler(logging.NullHandler())
QUIET.setLevel(logging.CRITICAL)
QUIET.propagate = False


class Hall:
    """One per web process, made after the fork."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self.settings = settings
        self._lock = threading.Lock()
        self._stopping = False
        self.rooms: Rooms | None = None

    @property
    def full(self) -> bool:
        return self._stopping or (self.rooms is not None and len(self.rooms.loop.connections) >= MOST)

    def caller_of(self, cookie: str | None, authorization: str | None) -> Caller:
        """Whoever a handshake presents. Raises what broker and database raise."""
        with self._app.app_context():
            return caller_of(cookie, authorization, self.settings.secured)

    def admit(self, sock: socket.socket, wire: ServerProtocol, ahead: bytes, caller: Caller) -> None:
        """Let a socket in whose handshake is answered. For the server's threads."""
        rooms = self._begin()
        connection = Connection(wire, ahead, lambda connection: Desk(rooms, connection, caller))
        rooms.loop.call(rooms.loop.seat, sock, connection)

    def stop(self) -> None:
        """Say goodbye to everybody: the process is about to end. Returns at once; safe in a signal handler."""
        self._stopping = True
        if self.rooms is not None:
            self.rooms.loop.call(self.rooms.loop.leave, GOING_AWAY, "the hub restarts")

    def finish(self, seconds: float) -> None:
        """Wait until everybody has left and what beacons have brought is carried out, and end."""
        self._stopping = True
        if self.rooms is not None:
            self.rooms.loop.call(self.rooms.loop.leave, GOING_AWAY, "the hub restarts")
            self.rooms.loop.wait_empty(seconds / 3)
            self.rooms.post.close(seconds / 3)
            self.rooms.members.stop()
            self.rooms.viewers.stop()
            self.rooms.followers.stop()
            self.rooms.loop.end(seconds / 3)
            self.rooms = None

    def _begin(self) -> Rooms:
        with self._lock:
            if self.rooms is None:
                loop = Loop(self._app, self.settings)
                post = Post(self._app.extensions["dispatcher"])
                tail = self._app.extensions["tail"]
                members, viewers = Members(loop, self._app.extensions["broker"]), Viewers(loop, tail)
                self.rooms = Rooms(loop, post, members, viewers, Followers(loop, tail), Callers(loop))
            return self.rooms
