"""All tables of the product in an empty database, without the time that migrations take: their statements are noted once for each engine.

What is filled so equals what migrations make, for they are the same statements; contracts/test_kernel_migrations shows that the models equal it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tasks import migrations

_CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")
_noted: dict[str, list[tuple[str, Any]]] = {}


def fill(engine: sa.Engine) -> None:
    """Bring an empty database to the schema of this release; one that is there already stays as it is."""
    if sa.inspect(engine).has_table("alembic_version"):
        return
    known = _noted.get(engine.dialect.name)
    if known is None:
        _noted[engine.dialect.name] = _migrated(engine)
        return
    with engine.begin() as connection:
        for statement, parameters in known:
            connection.exec_driver_sql(statement, parameters)


def _migrated(engine: sa.Engine) -> list[tuple[str, Any]]:
    """The statements that changed something, as the driver got them."""
    heard: list[tuple[str, Any]] = []

    def hear(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith(_CHANGES):
            heard.append((statement, parameters or None))

    sa.event.listen(engine, "before_cursor_execute", hear)
    try:
        migrations.upgrade(engine)
    finally:
        sa.event.remove(engine, "before_cursor_execute", hear)
    return heard
