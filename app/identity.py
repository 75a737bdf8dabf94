"""Who stands before us in secured mode: a user with a session, a program with a token, a beacon that has joined."""

from __future__ import annotations

from dataclasses import dataclass

from schema.access.rules import BEACON, may
from schema.base import Actor


@dataclass(frozen=True, slots=True)
class Identity:
    """`kind` is `user`, `token` or `beacon`. `session` is the digest of its session, None for beacons that have joined on a socket.

    A token has a session under its own digest, which holds no more than the beacon that has registered with it.
    """

    kind: str
    name: str
    role: str
    user_id: int = 0
    generation: int = 0
    session: str | None = None
    #: The beacon that has registered with it.
    beacon: str | None = None
    #: Name and id of the secret with which a beacon has joined, id of a token.
    secret: str = ""
    secret_id: str = ""

    @property
    def actor(self) -> Actor:
        """How rows name it: a person by the name, a program as `<user>/<token>`, a beacon by its BeaconID once it has one."""
        if self.kind == BEACON:
            return Actor("joining", self.name) if self.beacon is None else Actor(BEACON, self.beacon)
        return Actor(self.kind, self.name)

    @property
    def owner(self) -> str:
        """To whom a beacon's name belongs that registers so: a secret keeps its name when it is replaced."""
        return f"secret:{self.secret}" if self.kind == BEACON else f"user:{self.name}"

    def may(self, permission: str) -> bool:
        return may(self.role, permission)
