"""The parts that deal with sockets."""

from __future__ import annotations

from dataclasses import dataclass

from app.sockets.callers import Callers
from app.sockets.followers import Followers
from app.sockets.loop import Loop
from app.sockets.members import Members
from app.sockets.post import Post
from app.sockets.viewers import Viewers


@dataclass(frozen=True, slots=True)
class Rooms:
    """The parts, once there are sockets."""

    loop: Loop
    post: Post
    members: Members
    viewers: Viewers
    followers: Followers
    callers: Callers
