"""The tables that the code knows are those that the migrations make, on every engine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from schema.sql import metadata
from tasks import migrations, unit
from tests.architecture.manual import load_tables


def test_models_equal_migrations(database_url: str) -> None:
    load_tables()
    engine = unit.connect(database_url)
    migrations.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        assert compare_metadata(context, metadata) == []
        connection.rollback()
    engine.dispose()


def test_checks_equal_migrations(database_url: str) -> None:
    """Alembic does not compare them."""
    load_tables()
    engine = unit.connect(database_url)
    migrations.upgrade(engine)
    made = sa.inspect(engine)
    known = {
        (t.name, str(c.name)) for t in metadata.tables.values() for c in t.constraints if isinstance(c, sa.CheckConstraint) and c.sqltext is not None
    }
    found = {(name, str(check["name"])) for name in metadata.tables for check in made.get_check_constraints(name)}
    assert known <= found
    engine.dispose()
