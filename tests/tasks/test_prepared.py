"""A prepared statement is the one that SQLAlchemy would have carried out."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from schema.ledger.tables import cursor
from tasks.kernel import clock
from tasks.prepared import Prepared
from tests.tasks.rig import Rig

_SET = Prepared(sa.update(cursor).where(cursor.c.lane == sa.bindparam("of_lane")).values(position=sa.bindparam("to"), moved_at=sa.bindparam("at")))
_GET = Prepared(
    sa.select(cursor.c.lane, cursor.c.position).where(cursor.c.lane.in_([sa.bindparam("one"), sa.bindparam("two")])).order_by(cursor.c.lane)
)


def test_it_changes_and_asks_on_every_engine(rig: Rig) -> None:
    now = clock()
    with rig.engine.begin() as connection:
        for lane in ("a", "b", "c"):
            connection.execute(sa.insert(cursor), {"lane": lane, "epoch": "e", "position": "0-0", "moved_at": now})
        at = now + timedelta(days=1)
        for _ in range(2):
            assert _SET.run(connection, {"of_lane": "b", "to": "7-1", "at": at}).rowcount == 1
        assert _SET.run(connection, {"of_lane": "nobody", "to": "7-1", "at": at}).rowcount == 0
        assert [tuple(row) for row in _GET.run(connection, {"two": "b", "one": "c"})] == [("b", "7-1"), ("c", "0-0")]
        moments = connection.execute(sa.select(cursor.c.moved_at).where(cursor.c.lane.in_(["a", "b"])).order_by(cursor.c.lane)).scalars().all()
        assert moments == [now, at]
