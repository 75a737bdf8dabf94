"""How far a hub's persistence has come, and the only ways from one state to another."""

from __future__ import annotations

UNASSIGNED, WAITING, BOOTSTRAPPING, BOOTSTRAPPED, ERROR = "unassigned", "waiting-for-beacon", "bootstrapping", "bootstrapped", "error"
STATES = (UNASSIGNED, WAITING, BOOTSTRAPPING, BOOTSTRAPPED, ERROR)

#: happening -> the states in which it can happen, and where it leads.
MOVES: dict[str, tuple[tuple[str, ...], str]] = {
    # An operator chooses a connection, or gives it up.
    "assigned": (STATES, WAITING),
    "cleared": ((WAITING, BOOTSTRAPPING, BOOTSTRAPPED, ERROR), UNASSIGNED),
    # A databeacon begins to make the tables and to copy what is there already.
    "begun": ((WAITING, BOOTSTRAPPED, ERROR), BOOTSTRAPPING),
    # Everything is there, and what happens from now on follows at once.
    "ready": ((WAITING, BOOTSTRAPPING, ERROR), BOOTSTRAPPED),
    # The database does not answer.
    "lost": ((WAITING, BOOTSTRAPPING, BOOTSTRAPPED, ERROR), WAITING),
    # The database answers, and refuses; somebody must look at it. It is tried again all the same.
    "failed": ((WAITING, BOOTSTRAPPING, BOOTSTRAPPED, ERROR), ERROR),
}


def next_state(state: str, happening: str) -> str | None:
    """Where a happening leads, None where it cannot happen.

    >>> next_state("bootstrapping", "ready"), next_state("unassigned", "ready")
    ('bootstrapped', None)
    """
    known, after = MOVES[happening]
    return after if state in known else None
