"""Alembic's entry: runs migrations on the connection that `tasks.migrations.upgrade` gives it, and only there."""

from __future__ import annotations

from alembic import context

import schema.gateway.tables
import schema.hub.tables
import schema.ledger.tables  # noqa: F401 - imported for the tables they declare
from schema.sql import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
