"""Who stands at the other end of a socket, and whether they still may: a socket outlives logins, roles and secrets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from app import identities, sessions
from app.identity import Identity
from app.permits import FRAMES
from app.sockets.frames import BadFrame
from app.sockets.loop import Loop
from schema.access.rules import READ, may

#: Seconds within which a stranger must have joined.
HELLO_SECONDS = 10.0
#: Seconds between looks at whether those who are here still may be.
LOOK_SECONDS = 5.0

#: Closed because of who it is: the code that those who watch know, and the one that beacons know.
POLICY, REJECTED = 1008, 4403


@dataclass(frozen=True, slots=True)
class Caller:
    """`session` is the reference of a login; `identity` who that is, in secured mode alone. `open`: nobody is asked."""

    session: str | None = None
    identity: Identity | None = None
    open: bool = True

    @property
    def owner(self) -> str | None:
        """To whom the name of a beacon belongs that registers here."""
        return None if self.identity is None else self.identity.owner


def caller_of(cookie: str | None, authorization: str | None, secured: bool) -> Caller:
    """Whoever the handshake presents. Needs the app's context; raises what broker and database raise."""
    if not secured:
        return Caller(sessions.reference(cookie))
    known = identities.of(cookie, authorization)
    reference = None if known is None or known.session is None else known.session[: sessions.REFERENCE]
    return Caller(reference, known, open=False)


def judge(caller: Caller, action: str) -> None:
    """Let a frame pass or raise BadFrame. A beacon's first word is judged by its JoinSecret, elsewhere."""
    wanted = FRAMES.get(action)
    if caller.open or wanted is None:
        return
    if caller.identity is None:
        raise BadFrame("unauthenticated", "Authentication required.", LoggedIn=False)
    if not may(caller.identity.role, wanted):
        raise BadFrame("forbidden", f"The role {caller.identity.role} does not include the permission to {wanted}.")


def asks_to_log_in(action: str) -> dict[str, Any] | None:
    """What one who watches is told before the socket is closed, None for the frames of beacons."""
    if FRAMES.get(action) != READ:
        return None
    topic = "queue" if action.startswith("Queue") else "execution"
    return {"EventType": f"{topic}.auth_required", "Error": "Authentication required.", "LoggedIn": False}


class Callers:
    """Looks after all who are here in secured mode. Lives in the loop; questions are errands."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._desks: set[Any] = set()
        self._looked = monotonic()
        self._looking = False
        if loop.settings.secured:
            loop.rounds.append(self._round)

    def add(self, desk: Any) -> None:
        self._desks.add(desk)

    def remove(self, desk: Any) -> None:
        self._desks.discard(desk)

    def _round(self, now: float) -> None:
        if now - self._looked < min(LOOK_SECONDS, self._loop.settings.ping_seconds) or self._looking:
            return
        self._looked = now
        for desk in list(self._desks):
            if desk.caller.identity is None and now - desk.since > HELLO_SECONDS:
                desk.dismiss("log in, or join with a secret")
        present = [(desk, desk.caller.identity, not desk.serves) for desk in self._desks if desk.caller.identity is not None]
        if present:
            self._looking = True
            self._loop.errand(lambda: self._over(present), self._dismiss, lambda _: self._dismiss([]))

    @staticmethod
    def _over(present: list[tuple[Any, Identity, bool]]) -> list[tuple[Any, Identity | None]]:
        """What has become of them. A beacon's socket outlives its session, which ends with the broker; a login's does not."""
        seen: dict[tuple[Identity, bool], Identity | None] = {}
        for _, identity, session in present:
            if (identity, session) not in seen:
                seen[identity, session] = identities.still(identity, session)
        return [(desk, seen[identity, session]) for desk, identity, session in present]

    def _dismiss(self, found: list[tuple[Any, Identity | None]]) -> None:
        self._looking = False
        for desk, identity in found:
            if identity is None:
                desk.dismiss("the login is over")
            else:
                desk.caller = replace(desk.caller, identity=identity)
