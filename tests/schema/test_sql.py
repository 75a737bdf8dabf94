"""How values lie in SQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.schema import CreateTable

import schema.ledger.tables as ledger
from schema.sql import Json, LongText, UtcDateTime, metadata, to_wire
from tests.schema.moments import moments

DIALECTS = [sqlite.dialect(), postgresql.dialect(), mysql.dialect()]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
@given(at=moments, hours=st.integers(-14, 14))
def test_a_time_comes_back_aware_and_in_utc(dialect: sa.Dialect, at: datetime, hours: int) -> None:
    type_ = UtcDateTime()
    stored = type_.process_bind_param(at.astimezone(timezone(timedelta(hours=hours))), dialect)
    assert stored is not None
    assert (stored.tzinfo is not None) == (dialect.name == "postgresql")
    back = type_.process_result_value(stored, dialect)
    assert back is not None
    assert (back, back.tzinfo) == (at, UTC)


@given(at=moments, hours=st.integers(-14, 14))
def test_sqlite_keeps_the_text_that_the_library_would_keep(at: datetime, hours: int) -> None:
    dialect, type_ = sqlite.dialect(), UtcDateTime()
    library = sa.DateTime().dialect_impl(dialect)
    stored = type_.bind_processor(dialect)(at.astimezone(timezone(timedelta(hours=hours))))
    assert stored == library.bind_processor(dialect)(at.replace(tzinfo=None))  # type: ignore[misc]  # SQLite's has one
    back = type_.result_processor(dialect, None)(stored)
    assert (back, back.tzinfo) == (at, UTC)


def test_sqlite_refuses_a_time_without_a_zone_and_knows_none() -> None:
    inward, outward = UtcDateTime().bind_processor(sqlite.dialect()), UtcDateTime().result_processor(sqlite.dialect(), None)
    with pytest.raises(ValueError, match="without a zone"):
        inward(datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused
    assert inward(None) is outward(None) is None


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
def test_a_time_without_a_zone_is_refused_and_none_is_none(dialect: sa.Dialect) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), dialect)  # noqa: DTZ001 - what is refused
    assert UtcDateTime().process_bind_param(None, dialect) is UtcDateTime().process_result_value(None, dialect) is None


@given(moments)
def test_the_wire_shows_milliseconds_and_z(at: datetime) -> None:
    text = to_wire(at)
    assert text is not None
    assert (len(text), text[-1]) == (24, "Z")
    assert datetime.fromisoformat(text) == at


def test_no_time_is_no_text() -> None:
    assert to_wire(None) is None
    assert to_wire(datetime(2025, 1, 2, 4, 4, 5, 678_999, timezone(timedelta(hours=1)))) == "2025-01-02T03:04:05.678Z"


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        (DIALECTS[0], ("DATETIME", "TEXT", "JSON")),
        (DIALECTS[1], ("TIMESTAMP(3) WITH TIME ZONE", "TEXT", "JSONB")),
        (DIALECTS[2], ("DATETIME(3)", "LONGTEXT", "JSON")),
    ],
)
def test_each_engine_has_its_own_types(dialect: sa.Dialect, words: tuple[str, str, str]) -> None:
    assert tuple(str(sa.Column("c", kind).type.compile(dialect)) for kind in (UtcDateTime(), LongText, Json)) == words


def test_text_is_compared_byte_by_byte_on_mariadb() -> None:
    for table in metadata.tables.values():
        assert "COLLATE utf8mb4_bin" in str(CreateTable(table).compile(dialect=mysql.dialect())), table.name


def test_every_constraint_has_a_name() -> None:
    for table in metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints), table.name
    assert ledger.cursor.primary_key.name == "pk_ledger_cursor"
