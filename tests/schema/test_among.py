"""Rows of many keys, as each engine is asked for them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from schema.among import among

THINGS = sa.Table("things", sa.MetaData(), sa.Column("name", sa.String(40), primary_key=True))
FOUND = sa.select(THINGS.c.name).where(among(THINGS.c.name, "names"))


@pytest.mark.parametrize(
    ("dialect", "condition"),
    [
        # Never compared with 1: no index would serve that.
        (sqlite.dialect(), "WHERE things.name IN (SELECT value FROM json_each(?))"),
        (postgresql.dialect(), "WHERE things.name IN (__[POSTCOMPILE_names])"),
        (mysql.dialect(), "WHERE things.name IN (__[POSTCOMPILE_names])"),
    ],
    ids=["sqlite", "postgresql", "mariadb"],
)
def test_each_engine_gets_the_form_that_its_indexes_serve(dialect: sa.Dialect, condition: str) -> None:
    assert str(FOUND.compile(dialect=dialect)).endswith(condition)


def test_sqlite_seeks_each_key_in_the_index_and_finds_what_is_there() -> None:
    engine = sa.create_engine("sqlite://")
    THINGS.create(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(THINGS), [{"name": f"n{number}"} for number in range(50)])
        for keys, wanted in ((["n1", "n7", "n7", "other", "'"], {"n1", "n7"}), ([], set()), (("n3",), {"n3"})):
            assert set(connection.execute(FOUND, {"names": keys}).scalars()) == wanted
        (plan, *_) = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {FOUND.compile(dialect=sqlite.dialect())}", ("[]",)).all()
    engine.dispose()
    assert plan[3].startswith("SEARCH things USING")
