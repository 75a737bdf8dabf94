"""Refer to content, and let go of it. For verbs of other domains, in the very unit that writes or removes the row that refers to it."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from schema.content.tables import blob
from tasks.unit import Unit

_COUNT = (
    sa.update(blob).where(blob.c.digest == sa.bindparam("of_digest")).values(refs=blob.c.refs + sa.bindparam("change"), touched_at=sa.bindparam("at"))
)


def hold(unit: Unit, digest: str, size: int | None = None) -> bool:
    """Count one more reference. False when there is no such content, or none of that size: then nothing may refer to it.

    The row stays locked until the unit ends and has a new time, so no sweep takes it away meanwhile.
    """
    statement = _COUNT if size is None else _COUNT.where(blob.c.size == size)
    return unit.change(statement, {"of_digest": digest, "change": 1, "at": unit.now}).rowcount == 1


def let_go(unit: Unit, digests: Mapping[str, int]) -> None:
    """Count so many references fewer of each. What nobody refers to any more is swept a while later."""
    for digest, count in sorted(digests.items()):  # in one order, so that two units never wait for each other
        unit.change(_COUNT, {"of_digest": digest, "change": -count, "at": unit.now})
