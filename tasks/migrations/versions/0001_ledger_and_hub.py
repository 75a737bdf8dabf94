"""The ledger and the hub."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from schema.sql import Json, LongText, UtcDateTime
from tasks.migrations import steps

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_table(
        "ledger_cursor",
        sa.Column("lane", sa.String(128), nullable=False),
        sa.Column("epoch", sa.String(36), nullable=False),
        sa.Column("position", sa.String(48), nullable=False),
        sa.Column("moved_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("lane", "epoch", name="pk_ledger_cursor"),
    )
    steps.create_table(
        "ledger_receipt",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("envelope_id", sa.String(36), nullable=False),
        sa.Column("command", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(160), nullable=False),
        sa.Column("outcome", LongText, nullable=False),
        sa.Column("settled_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_receipt"),
    )
    steps.create_index("ix_ledger_receipt_settled_at", "ledger_receipt", ["settled_at"])
    steps.create_table(
        "ledger_outbox",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("committed_at", UtcDateTime, nullable=False),
        sa.Column("events", LongText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_outbox"),
    )
    steps.create_index("ix_ledger_outbox_committed_at", "ledger_outbox", ["committed_at"])
    steps.create_table(
        "ledger_order",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("lane", sa.String(128), nullable=False),
        sa.Column("ordered_at", UtcDateTime, nullable=False),
        sa.Column("envelope", LongText, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_order"),
    )
    steps.create_index("ix_ledger_order_lane", "ledger_order", ["lane"])
    steps.create_index("ix_ledger_order_ordered_at", "ledger_order", ["ordered_at"])
    steps.create_table(
        "ledger_dead_letter",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("lane", sa.String(128), nullable=False),
        sa.Column("command", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(160), nullable=False),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("traceback", LongText, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("envelope", LongText, nullable=False),
        sa.Column("died_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_dead_letter"),
    )
    steps.create_index("ix_ledger_dead_letter_died_at", "ledger_dead_letter", ["died_at"])
    steps.create_index("ix_ledger_dead_letter_lane", "ledger_dead_letter", ["lane"])
    steps.create_table(
        "ledger_audit",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.String(160), nullable=False),
        sa.Column("command", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(256), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_audit"),
    )
    steps.create_index("ix_ledger_audit_at", "ledger_audit", ["at"])
    steps.create_table(
        "hub_beacon",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("beacon_id", sa.String(128), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("session_id", sa.String(128)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("capabilities", Json, nullable=False),
        sa.Column("action_schemas", Json, nullable=False),
        sa.Column("actions", Json),
        sa.Column("max_concurrent", sa.Integer, nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("contexts", Json, nullable=False),
        sa.Column("bind_addresses", Json, nullable=False),
        sa.Column("shared_mounts", Json, nullable=False),
        sa.Column("host_id", sa.String(256)),
        sa.Column("presence_ms", sa.Integer, nullable=False),
        sa.Column("registered_at", UtcDateTime, nullable=False),
        sa.Column("last_contact_at", UtcDateTime, nullable=False),
        sa.Column("paused_at", UtcDateTime),
        sa.PrimaryKeyConstraint("hub", "beacon_id", name="pk_hub_beacon"),
        sa.CheckConstraint("max_concurrent >= 1", name=op.f("ck_hub_beacon_max_concurrent")),
        sa.CheckConstraint("status IN ('Online', 'Suspect', 'Offline', 'Deregistered')", name=op.f("ck_hub_beacon_status")),
        sa.UniqueConstraint("hub", "name", name="uq_hub_beacon_hub_name"),
    )
    steps.create_index("ix_hub_beacon_status", "hub_beacon", ["hub", "status"])
    steps.create_table(
        "hub_run",
        sa.Column("run_id", sa.String(128), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("submitter_tag", sa.String(256), nullable=False),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("idempotency_key", sa.String(256)),
        sa.PrimaryKeyConstraint("run_id", name="pk_hub_run"),
        sa.UniqueConstraint("hub", "idempotency_key", name="uq_hub_run_hub_idempotency_key"),
    )
    steps.create_index("ix_hub_run_hub_started", "hub_run", ["hub", "started_at"])
    steps.create_table(
        "hub_work_item",
        sa.Column("work_item_hash", sa.String(128), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(128), nullable=False),
        sa.Column("run_hash", sa.String(128), nullable=False),
        sa.Column("node_hash", sa.String(128), nullable=False),
        sa.Column("operation_hash", sa.String(128), nullable=False),
        sa.Column("capability", sa.String(128), nullable=False),
        sa.Column("action", sa.String(128), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("affinity_key", sa.String(128), nullable=False),
        sa.Column("require_affinity_match", sa.Boolean, nullable=False),
        sa.Column("submitter_tag", sa.String(256), nullable=False),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False),
        sa.Column("line", sa.String(130), nullable=False, server_default=sa.text("''")),
        sa.Column("ticket", sa.String(36), nullable=False),
        sa.Column("assigned_beacon_id", sa.String(128)),
        sa.Column("concurrency_key", sa.String(128), nullable=False, server_default=sa.text("''")),
        sa.Column("concurrency_limit", sa.Integer, nullable=False, server_default="0"),
        sa.Column("unique_key", sa.String(128), nullable=False, server_default=sa.text("''")),
        sa.Column("enqueued_at", UtcDateTime, nullable=False),
        sa.Column("ready_at", UtcDateTime),
        sa.Column("dispatched_at", UtcDateTime),
        sa.Column("started_at", UtcDateTime),
        sa.Column("completed_at", UtcDateTime),
        sa.Column("canceled_at", UtcDateTime),
        sa.Column("last_event_at", UtcDateTime),
        sa.Column("queue_wait_ms", sa.Integer, nullable=False),
        sa.Column("timeout_ms", sa.Integer, nullable=False),
        sa.Column("attempt_number", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("losses", sa.Integer, nullable=False),
        sa.Column("retry_backoff_ms", sa.Integer, nullable=False),
        sa.Column("due_at", UtcDateTime),
        sa.Column("last_error", LongText, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("cancel_reason", sa.String(512), nullable=False),
        sa.Column("progress", Json),
        sa.Column("result", Json),
        sa.Column("awaited", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("work_item_hash", name="pk_hub_work_item"),
        sa.CheckConstraint("status NOT IN ('Complete', 'Error') OR completed_at IS NOT NULL", name=op.f("ck_hub_work_item_ended_has_time")),
        sa.CheckConstraint(
            "status NOT IN ('Running', 'Stalled') OR (assigned_beacon_id IS NOT NULL AND dispatched_at IS NOT NULL)",
            name=op.f("ck_hub_work_item_held_has_holder"),
        ),
        sa.CheckConstraint("status NOT IN ('Delayed', 'RetryScheduled') OR due_at IS NOT NULL", name=op.f("ck_hub_work_item_waiting_has_time")),
        sa.CheckConstraint("status <> 'Canceled' OR canceled_at IS NOT NULL", name=op.f("ck_hub_work_item_canceled_has_time")),
        sa.CheckConstraint(
            "status IN ('Delayed', 'Pending', 'Running', 'Stalled', 'RetryScheduled', 'Complete', 'Error', 'Canceled')",
            name=op.f("ck_hub_work_item_status"),
        ),
    )
    for name, *columns in (
        ("line", "line", "rank", "ticket"),
        ("action", "line", "action", "rank", "ticket"),
        ("order", "rank", "ticket"),
        ("affinity", "affinity_key", "line"),
    ):
        steps.create_index(f"ix_hub_work_item_{name}", "hub_work_item", ["hub", "status", *columns], "status = 'Pending'")
    steps.create_index("ix_hub_work_item_due", "hub_work_item", ["hub", "due_at"])
    steps.create_index("ix_hub_work_item_holder", "hub_work_item", ["hub", "status", "assigned_beacon_id"])
    steps.create_index("ix_hub_work_item_newest", "hub_work_item", ["hub", "ticket"])
    steps.create_index("ix_hub_work_item_age", "hub_work_item", ["hub", "status", "ticket"])
    steps.create_index("ix_hub_work_item_run", "hub_work_item", ["run_id"])
    steps.create_table(
        "hub_tally",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("capability", sa.String(128), nullable=False),
        sa.Column("action", sa.String(128), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("items", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hub", "capability", "action", "status", name="pk_hub_tally"),
        sa.CheckConstraint("items >= 0", name=op.f("ck_hub_tally_items")),
    )
    steps.create_index("ix_hub_tally_status", "hub_tally", ["hub", "status"])
    steps.create_table(
        "hub_affinity",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("affinity_key", sa.String(128), nullable=False),
        sa.Column("beacon_id", sa.String(128), nullable=False),
        sa.Column("beacon_name", sa.String(128), nullable=False),
        sa.Column("run_hash", sa.String(128), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_hub_affinity"),
    )
    steps.create_index("ix_hub_affinity_beacon", "hub_affinity", ["hub", "beacon_id"])
    steps.create_index("ix_hub_affinity_expires", "hub_affinity", ["hub", "expires_at"])
    steps.create_table(
        "hub_permit",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("concurrency_key", sa.String(128), nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("waiting", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hub_permit"),
        sa.CheckConstraint("held >= 0 AND waiting >= 0", name=op.f("ck_hub_permit_counts")),
    )
    steps.create_table(
        "hub_unique_item",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("unique_key", sa.String(128), nullable=False),
        sa.Column("work_item_hash", sa.String(128), nullable=False),
        sa.Column("run_id", sa.String(128), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hub_unique_item"),
    )
    steps.create_index("ix_hub_unique_item_expires", "hub_unique_item", ["hub", "expires_at"])
    steps.create_table(
        "hub_pause",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("capability", sa.String(128), nullable=False),
        sa.Column("paused_at", UtcDateTime, nullable=False),
        sa.Column("reason", sa.String(512), nullable=False),
        sa.PrimaryKeyConstraint("hub", "capability", name="pk_hub_pause"),
    )
    steps.create_table(
        "hub_action_default",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("capability", sa.String(128), nullable=False),
        sa.Column("action", sa.String(128), nullable=False),
        sa.Column("timeout_ms", sa.Integer),
        sa.Column("max_attempts", sa.Integer),
        sa.Column("retry_backoff_ms", sa.Integer),
        sa.Column("default_priority", sa.Integer),
        sa.Column("expected_wait_p95_ms", sa.Integer, nullable=False),
        sa.Column("heartbeat_expected_ms", sa.Integer, nullable=False),
        sa.Column("min_samples_for_baseline", sa.Integer, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("hub", "capability", "action", name="pk_hub_action_default"),
    )
    steps.create_table(
        "hub_admission",
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("denying", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("hub", name="pk_hub_admission"),
    )
    steps.create_table(
        "hub_work_event",
        sa.Column("work_item_hash", sa.String(128), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("event_guid", sa.String(36), nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(128), nullable=False),
        sa.Column("event_type", sa.String(64), nullable=False),
        sa.Column("from_status", sa.String(32), nullable=False),
        sa.Column("to_status", sa.String(32), nullable=False),
        sa.Column("beacon_id", sa.String(128), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("emitted_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("work_item_hash", "seq", name="pk_hub_work_event"),
        sa.UniqueConstraint("hub", "event_guid", name="uq_hub_work_event_hub_event_guid"),
    )
    steps.create_index("ix_hub_work_event_time", "hub_work_event", ["hub", "emitted_at"])
    steps.create_table(
        "hub_work_attempt",
        sa.Column("work_item_hash", sa.String(128), nullable=False),
        sa.Column("attempt_number", sa.Integer, nullable=False),
        sa.Column("hub", sa.String(64), nullable=False),
        sa.Column("beacon_id", sa.String(128), nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("error", LongText, nullable=False),
        sa.Column("outputs", Json),
        sa.Column("log", Json),
        sa.PrimaryKeyConstraint("work_item_hash", "attempt_number", name="pk_hub_work_attempt"),
        sa.CheckConstraint("outcome = 'Running' OR ended_at IS NOT NULL", name=op.f("ck_hub_work_attempt_ended_has_time")),
    )
