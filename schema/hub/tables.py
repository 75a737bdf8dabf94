"""Beacons, runs, work items with their events and attempts. Python names; `schema.hub.wire` knows the clients' names."""

from __future__ import annotations

import sqlalchemy as sa

from schema.hub.rules.lifecycle import STATUSES
from schema.sql import Json, LongText, UtcDateTime, table

HubId = sa.String(64)
Hash = sa.String(128)
Word = sa.String(128)

_STATUS_LIST = ", ".join(f"'{status}'" for status in STATUSES)

beacon = table(
    "hub_beacon",
    sa.Column("hub", HubId, primary_key=True),
    sa.Column("beacon_id", Word, primary_key=True),
    sa.Column("name", Word, nullable=False),
    sa.Column("session_id", Word),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("capabilities", Json, nullable=False),
    sa.Column("action_schemas", Json, nullable=False),
    sa.Column("max_concurrent", sa.Integer, nullable=False),
    sa.Column("tags", Json, nullable=False),
    sa.Column("contexts", Json, nullable=False),
    sa.Column("bind_addresses", Json, nullable=False),
    sa.Column("shared_mounts", Json, nullable=False),
    sa.Column("host_id", sa.String(256)),
    #: Silence after which the beacon counts as lost, from the interval that it promised.
    sa.Column("presence_ms", sa.Integer, nullable=False),
    sa.Column("registered_at", UtcDateTime, nullable=False),
    sa.Column("last_contact_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("hub", "name"),
    sa.CheckConstraint("status IN ('Online', 'Offline', 'Deregistered')", name="status"),
    sa.CheckConstraint("max_concurrent >= 1", name="max_concurrent"),
    sa.Index("ix_hub_beacon_status", "hub", "status"),
)

run = table(
    "hub_run",
    sa.Column("run_id", Hash, primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("state", sa.String(32), nullable=False),
    sa.Column("submitter_tag", sa.String(256), nullable=False),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Index("ix_hub_run_hub_started", "hub", "started_at"),
)

work_item = table(
    "hub_work_item",
    sa.Column("work_item_hash", Hash, primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("run_id", Hash, nullable=False),
    sa.Column("run_hash", Hash, nullable=False),
    sa.Column("node_hash", Hash, nullable=False),
    sa.Column("operation_hash", Hash, nullable=False),
    sa.Column("capability", Word, nullable=False),
    sa.Column("action", Word, nullable=False),
    sa.Column("settings", Json, nullable=False),
    sa.Column("affinity_key", Word, nullable=False),
    sa.Column("require_affinity_match", sa.Boolean, nullable=False),
    sa.Column("submitter_tag", sa.String(256), nullable=False),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    #: -priority, so that one ascending index gives the order of dispatch.
    sa.Column("rank", sa.Integer, nullable=False),
    #: UUIDv7 of the submission: age, to the order within a millisecond.
    sa.Column("ticket", sa.String(36), nullable=False),
    sa.Column("assigned_beacon_id", Word),
    sa.Column("enqueued_at", UtcDateTime, nullable=False),
    sa.Column("dispatched_at", UtcDateTime),
    sa.Column("started_at", UtcDateTime),
    sa.Column("completed_at", UtcDateTime),
    sa.Column("canceled_at", UtcDateTime),
    sa.Column("last_event_at", UtcDateTime),
    sa.Column("queue_wait_ms", sa.Integer, nullable=False),
    sa.Column("timeout_ms", sa.Integer, nullable=False),
    #: Dispatches so far: the fence. A report must carry the current number, or come from its holder.
    sa.Column("attempt_number", sa.Integer, nullable=False),
    sa.Column("max_attempts", sa.Integer, nullable=False),
    #: Attempts that ended by a reported error or by timeout: these use up max_attempts. Lost beacons do not.
    sa.Column("failures", sa.Integer, nullable=False),
    #: Attempts that ended with the beacon itself.
    sa.Column("losses", sa.Integer, nullable=False),
    sa.Column("retry_backoff_ms", sa.Integer, nullable=False),
    #: When the clock must look at the item again: end of a pause between tries, or of the time a running attempt has.
    sa.Column("due_at", UtcDateTime),
    sa.Column("last_error", LongText, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("cancel_reason", sa.String(512), nullable=False),
    sa.Column("progress", Json),
    sa.Column("result", Json),
    #: Number of the item's newest event.
    sa.Column("seq", sa.Integer, nullable=False),
    sa.CheckConstraint(f"status IN ({_STATUS_LIST})", name="status"),
    sa.CheckConstraint("status <> 'Running' OR (assigned_beacon_id IS NOT NULL AND dispatched_at IS NOT NULL)", name="running_has_holder"),
    sa.CheckConstraint("status NOT IN ('Complete', 'Error') OR completed_at IS NOT NULL", name="ended_has_time"),
    sa.Index("ix_hub_work_item_dispatch", "hub", "status", "capability", "affinity_key", "rank", "ticket"),
    sa.Index("ix_hub_work_item_affinity", "hub", "status", "affinity_key", "rank", "ticket"),
    sa.Index("ix_hub_work_item_holder", "hub", "status", "assigned_beacon_id"),
    sa.Index("ix_hub_work_item_due", "hub", "due_at"),
    sa.Index("ix_hub_work_item_newest", "hub", "ticket"),
    sa.Index("ix_hub_work_item_age", "hub", "status", "ticket"),
    sa.Index("ix_hub_work_item_run", "run_id"),
)

#: How many items stand where: kept by the units that move them, so that no count ever walks the items.
tally = table(
    "hub_tally",
    sa.Column("hub", HubId, primary_key=True),
    sa.Column("capability", Word, primary_key=True),
    sa.Column("action", Word, primary_key=True),
    sa.Column("status", sa.String(32), primary_key=True),
    sa.Column("items", sa.BigInteger, nullable=False),
    sa.CheckConstraint("items >= 0", name="items"),
)

work_event = table(
    "hub_work_event",
    sa.Column("work_item_hash", Hash, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("event_guid", sa.String(36), nullable=False, unique=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("run_id", Hash, nullable=False),
    sa.Column("event_type", sa.String(64), nullable=False),
    sa.Column("from_status", sa.String(32), nullable=False),
    sa.Column("to_status", sa.String(32), nullable=False),
    sa.Column("beacon_id", Word, nullable=False),
    sa.Column("payload", Json, nullable=False),
    sa.Column("emitted_at", UtcDateTime, nullable=False),
)

work_attempt = table(
    "hub_work_attempt",
    sa.Column("work_item_hash", Hash, primary_key=True),
    sa.Column("attempt_number", sa.Integer, primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("beacon_id", Word, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    #: Running, Complete, Error, Timeout, Lost, Canceled; Superseded once a late report has come in.
    sa.Column("outcome", sa.String(32), nullable=False),
    sa.Column("error", LongText, nullable=False),
    sa.Column("outputs", Json),
    sa.Column("log", Json),
    sa.CheckConstraint("outcome = 'Running' OR ended_at IS NOT NULL", name="ended_has_time"),
)
