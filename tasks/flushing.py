"""Which flush serves a group: it follows from the kind of its lanes."""

from __future__ import annotations

from schema.base import CONTROL, kind_of
from schema.bridge.commands import MIRROR
from tasks import abroad, journal, loose
from tasks.bridge import mirror
from tasks.kernel import Kernel


def flush(kernel: Kernel, group: str, token: str) -> bool:
    """Carry out all that waits in the group's lanes. Returns False when another flush is at it."""
    if group.startswith("@"):
        return journal.flush(kernel, group, token)
    kind = kind_of(group)
    if kind is MIRROR:
        return mirror.flush(kernel, group, token)
    if kind.loose:
        return loose.flush(kernel, group, token)
    if kind.database != CONTROL:
        return abroad.flush(kernel, group, token)
    return journal.flush(kernel, group, token)
