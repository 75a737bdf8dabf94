"""Named places at which a process can be made to die, to prove that dying there loses nothing.

Inert unless `UV_TEST_CRASH_AT=<place>[:<n>]` is set: then the n-th visit (default the first) ends the process as SIGKILL would.
The places are listed in POINTS; a test visits each one.
"""

from __future__ import annotations

import os
import signal

POINTS = (
    "entries_read",
    "unit_opened",
    "verbs_done",
    "rows_written",
    "cursor_moved",
    "committed",
    "told",
    "orders_sent",
    "outbox_tidied",
    "lease_released",
)

#: Likewise for batches that change a foreign database.
POINTS_ABROAD = ("committed_abroad", "shape_step_taken")

#: Likewise for rows on their way into the database of a hub's persistence.
POINTS_MIRROR = ("changes_loaded", "changes_brought", "changes_stored")

_place, _, _visits = os.environ.get("UV_TEST_CRASH_AT", "").partition(":")
_left = int(_visits or 1)


def crash_point(place: str) -> None:
    """Die here if the environment says so."""
    global _left
    if place != _place:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
