"""How long a hub's ended items are kept over there."""

from __future__ import annotations

import sqlalchemy as sa

from schema.bridge.rules.retention import Keeping
from schema.bridge.tables import assignment

_KEPT = sa.select(assignment.c.retention_days, assignment.c.cancelled_retention_days, assignment.c.legal_hold).where(
    assignment.c.hub == sa.bindparam("of_hub")
)


def keeping_of(control: sa.Connection, hub: str) -> Keeping:
    """For ever, where nobody has said anything."""
    row = control.execute(_KEPT, {"of_hub": hub}).one_or_none()
    return Keeping(0, 0, False) if row is None else Keeping(row[0], row[1], bool(row[2]))
