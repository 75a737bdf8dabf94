"""Where a hub's rows are kept, how far that has come, and what has become of it so far."""

from __future__ import annotations

import sqlalchemy as sa

from schema.bridge.rules.states import STATES
from schema.sql import UtcDateTime, table

_STATE_LIST = ", ".join(f"'{state}'" for state in STATES)

#: One row for each hub that has ever been assigned.
assignment = table(
    "bridge_assignment",
    sa.Column("hub", sa.String(64), primary_key=True),
    #: 0 without one.
    sa.Column("connection_id", sa.Integer, nullable=False),
    #: The databeacon that serves the connection.
    sa.Column("beacon", sa.String(128), nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    #: What stands in the way, in the database's own words.
    sa.Column("error", sa.String(500), nullable=False),
    sa.Column("assigned_at", UtcDateTime),
    sa.Column("assigned_by", sa.String(160), nullable=False),
    sa.Column("bootstrapped_at", UtcDateTime),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    #: Days that ended items are kept there; 0: for ever.
    sa.Column("retention_days", sa.Integer, nullable=False),
    #: The same for canceled ones; 0: as long as the others.
    sa.Column("cancelled_retention_days", sa.Integer, nullable=False),
    #: Nothing is deleted there, whatever its age.
    sa.Column("legal_hold", sa.Boolean, nullable=False),
    sa.CheckConstraint(f"state IN ({_STATE_LIST})", name="state"),
    sa.CheckConstraint("(state = 'unassigned') = (connection_id = 0)", name="has_connection"),
    sa.CheckConstraint("state <> 'bootstrapped' OR bootstrapped_at IS NOT NULL", name="bootstrapped_has_time"),
    sa.CheckConstraint("retention_days >= 0 AND cancelled_retention_days >= 0", name="days"),
)

#: Every move from one state to another.
assignment_event = table(
    "bridge_event",
    #: UUIDv7: the order in which they happened.
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("hub", sa.String(64), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("happening", sa.String(24), nullable=False),
    sa.Column("from_state", sa.String(24), nullable=False),
    sa.Column("to_state", sa.String(24), nullable=False),
    sa.Column("connection_id", sa.Integer, nullable=False),
    sa.Column("actor", sa.String(160), nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Index("ix_bridge_event_hub", "hub", "id"),
)
