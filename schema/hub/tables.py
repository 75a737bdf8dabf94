"""Beacons, runs, work items with their events and attempts. Python names; `schema.hub.wire` knows the clients' names."""

from __future__ import annotations

import sqlalchemy as sa

from schema.hub.rules.lifecycle import HELD, STATUSES
from schema.sql import Json, LongText, UtcDateTime, table

HubId = sa.String(64)
Hash = sa.String(128)
Word = sa.String(128)

#: One mark before a capability, a beacon's name or a key.
Line = sa.String(130)

_STATUS_LIST = ", ".join(f"'{status}'" for status in STATUSES)
_HELD_LIST = ", ".join(f"'{status}'" for status in HELD)

#: No text, as a default that reads the same in every engine.
EMPTY = sa.text("''")

#: A condition in these very words: an engine uses a partial index only where it sees that the question is within it.
IS_PENDING = sa.text("status = 'Pending'")


def _waiting_index(name: str, *columns: str) -> sa.Index:
    """An index of waiting items alone, so that what has ended costs it nothing; MariaDB has none of these, and indexes all."""
    return sa.Index(name, "hub", "status", *columns, sqlite_where=IS_PENDING, postgresql_where=IS_PENDING)


beacon = table(
    "hub_beacon",
    sa.Column("hub", HubId, primary_key=True),
    sa.Column("beacon_id", Word, primary_key=True),
    sa.Column("name", Word, nullable=False),
    sa.Column("session_id", Word),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("capabilities", Json, nullable=False),
    sa.Column("action_schemas", Json, nullable=False),
    #: What a dispatch needs of the schemas: the actions that it takes of a capability; of one that is not there it takes any.
    sa.Column("actions", Json),
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
    #: Since when an operator has kept it from new work.
    sa.Column("paused_at", UtcDateTime),
    #: With whose login or join secret the name was registered; in secured mode nobody else may have it. Empty in open mode.
    sa.Column("owner", sa.String(160)),
    sa.UniqueConstraint("hub", "name"),
    sa.CheckConstraint("status IN ('Online', 'Suspect', 'Offline', 'Deregistered')", name="status"),
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
    #: The caller's key: the same key is the same run for ever.
    sa.Column("idempotency_key", sa.String(256)),
    #: Opened for items that named none: nobody ends it, and it goes with its last item.
    sa.Column("minted", sa.Boolean, nullable=False, server_default="0"),
    sa.UniqueConstraint("hub", "idempotency_key"),
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
    #: When it became ready, in milliseconds, shifted by its priority: one ascending index gives the order of dispatch.
    sa.Column("rank", sa.BigInteger, nullable=False),
    #: Where it stands while it is Pending: see schema/hub/rules/lines.py.
    sa.Column("line", Line, nullable=False, server_default=EMPTY),
    #: UUIDv7 of the submission: age, to the order within a millisecond.
    sa.Column("ticket", sa.String(36), nullable=False),
    sa.Column("assigned_beacon_id", Word),
    #: At most so many items of the key are under way at once; no key, no limit.
    sa.Column("concurrency_key", Word, nullable=False, server_default=EMPTY),
    sa.Column("concurrency_limit", sa.Integer, nullable=False, server_default="0"),
    sa.Column("unique_key", Word, nullable=False, server_default=EMPTY),
    sa.Column("enqueued_at", UtcDateTime, nullable=False),
    #: When it last became ready: since then it has waited for a beacon.
    sa.Column("ready_at", UtcDateTime),
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
    #: When the clock must look at the item again: end of a delay, of a pause between tries, of the time a running attempt has, or of the
    #: grace that the holder of a canceled item has.
    sa.Column("due_at", UtcDateTime),
    sa.Column("last_error", LongText, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("cancel_reason", sa.String(512), nullable=False),
    sa.Column("progress", Json),
    sa.Column("result", Json),
    #: Whether somebody waits for its end: then the outcome is handed over with the commit.
    sa.Column("awaited", sa.Boolean, nullable=False, server_default="0"),
    #: Whether the one who waits is told of its progress, too.
    sa.Column("streamed", sa.Boolean, nullable=False, server_default="0"),
    #: Number of the item's newest event.
    sa.Column("seq", sa.Integer, nullable=False),
    sa.CheckConstraint(f"status IN ({_STATUS_LIST})", name="status"),
    sa.CheckConstraint(f"status NOT IN ({_HELD_LIST}) OR (assigned_beacon_id IS NOT NULL AND dispatched_at IS NOT NULL)", name="held_has_holder"),
    sa.CheckConstraint("status NOT IN ('Delayed', 'RetryScheduled') OR due_at IS NOT NULL", name="waiting_has_time"),
    sa.CheckConstraint("status <> 'Canceled' OR canceled_at IS NOT NULL", name="canceled_has_time"),
    sa.CheckConstraint("status NOT IN ('Complete', 'Error') OR completed_at IS NOT NULL", name="ended_has_time"),
    _waiting_index("ix_hub_work_item_line", "line", "rank", "ticket"),
    _waiting_index("ix_hub_work_item_action", "line", "action", "rank", "ticket"),
    _waiting_index("ix_hub_work_item_order", "rank", "ticket"),
    _waiting_index("ix_hub_work_item_affinity", "affinity_key", "line"),
    sa.Index("ix_hub_work_item_holder", "hub", "status", "assigned_beacon_id"),
    sa.Index("ix_hub_work_item_due", "hub", "due_at"),
    sa.Index("ix_hub_work_item_newest", "hub", "ticket"),
    sa.Index("ix_hub_work_item_age", "hub", "status", "ticket"),
    sa.Index("ix_hub_work_item_run_age", "run_id", "ticket"),
    mirrored=True,
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
    sa.Index("ix_hub_tally_status", "hub", "status"),
)

#: Which beacon an affinity key means: the beacon of that name (no end), or the one that took the first item with the key.
affinity = table(
    "hub_affinity",
    #: Made of hub and key: see schema/hub/ids.py.
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("affinity_key", Word, nullable=False),
    sa.Column("beacon_id", Word, nullable=False),
    sa.Column("beacon_name", Word, nullable=False),
    sa.Column("run_hash", Hash, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Index("ix_hub_affinity_beacon", "hub", "beacon_id"),
    sa.Index("ix_hub_affinity_expires", "hub", "expires_at"),
)

#: How many items of a concurrency key are under way, and how many wait for their turn.
permit = table(
    "hub_permit",
    #: Made of hub and key: see schema/hub/ids.py.
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("concurrency_key", Word, nullable=False),
    sa.Column("held", sa.Integer, nullable=False),
    sa.Column("waiting", sa.Integer, nullable=False),
    sa.CheckConstraint("held >= 0 AND waiting >= 0", name="counts"),
)

#: Which item was the first with a unique key, and until when it stands for those that come after it.
unique_item = table(
    "hub_unique_item",
    #: Made of hub and key: see schema/hub/ids.py.
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("unique_key", Word, nullable=False),
    sa.Column("work_item_hash", Hash, nullable=False),
    sa.Column("run_id", Hash, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Index("ix_hub_unique_item_expires", "hub", "expires_at"),
)

#: Capabilities that an operator has paused.
pause = table(
    "hub_pause",
    sa.Column("hub", HubId, primary_key=True),
    sa.Column("capability", Word, primary_key=True),
    sa.Column("paused_at", UtcDateTime, nullable=False),
    sa.Column("reason", sa.String(512), nullable=False),
)

#: What holds for items of an action (or, with an empty action, of a capability) whose sender does not say.
action_default = table(
    "hub_action_default",
    sa.Column("hub", HubId, primary_key=True),
    sa.Column("capability", Word, primary_key=True),
    sa.Column("action", Word, primary_key=True),
    sa.Column("timeout_ms", sa.Integer),
    sa.Column("max_attempts", sa.Integer),
    sa.Column("retry_backoff_ms", sa.Integer),
    sa.Column("default_priority", sa.Integer),
    #: The longest that 95 of 100 items of the action wait; 0 when nobody has said. For an item's health.
    sa.Column("expected_wait_p95_ms", sa.Integer, nullable=False),
    #: How often an item at work should be heard of. For an item's health.
    sa.Column("heartbeat_expected_ms", sa.Integer, nullable=False),
    sa.Column("min_samples_for_baseline", sa.Integer, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)

#: Whether the hub admits new items: changes when it begins or ceases to deny.
admission = table(
    "hub_admission",
    sa.Column("hub", HubId, primary_key=True),
    sa.Column("denying", sa.Boolean, nullable=False),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
)

#: How the queue stood, every ten seconds: what plots are drawn from, so that no plot ever walks the items.
sample = table(
    "hub_sample",
    sa.Column("hub", HubId, primary_key=True),
    #: Which ten seconds since 1970.
    sa.Column("slot", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("waiting", sa.BigInteger, nullable=False),
    sa.Column("running", sa.BigInteger, nullable=False),
    sa.Column("stalled", sa.BigInteger, nullable=False),
    #: Items that stand there by now, so that differences tell how many came and ended.
    sa.Column("stored", sa.BigInteger, nullable=False),
    sa.Column("completed", sa.BigInteger, nullable=False),
    sa.Column("errored", sa.BigInteger, nullable=False),
    sa.Column("canceled", sa.BigInteger, nullable=False),
    #: Milliseconds that items waited and ran that were dispatched or ended lately; none when there were none.
    sa.Column("wait_p50", sa.Integer),
    sa.Column("wait_p95", sa.Integer),
    sa.Column("run_p50", sa.Integer),
    sa.Column("run_p95", sa.Integer),
    #: Online beacons, and their slots.
    sa.Column("beacons", sa.Integer, nullable=False),
    sa.Column("slots", sa.BigInteger, nullable=False),
)

work_event = table(
    "hub_work_event",
    sa.Column("work_item_hash", Hash, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("event_guid", sa.String(36), nullable=False),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("run_id", Hash, nullable=False),
    sa.Column("event_type", sa.String(64), nullable=False),
    sa.Column("from_status", sa.String(32), nullable=False),
    sa.Column("to_status", sa.String(32), nullable=False),
    sa.Column("beacon_id", Word, nullable=False),
    sa.Column("payload", Json, nullable=False),
    sa.Column("emitted_at", UtcDateTime, nullable=False),
    #: EventGUIDs are in the order of their making: the stream is replayed by them.
    sa.UniqueConstraint("hub", "event_guid"),
    sa.Index("ix_hub_work_event_time", "hub", "emitted_at"),
    mirrored=True,
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
    mirrored=True,
)

#: Files that attempts have put out. The content itself lies in `content_blob`, once for each digest.
artifact = table(
    "hub_artifact",
    sa.Column("work_item_hash", Hash, primary_key=True),
    sa.Column("attempt_number", sa.Integer, primary_key=True, autoincrement=False),
    #: As the beacon calls it: a text to show, never a path.
    sa.Column("filename", sa.String(255), primary_key=True),
    sa.Column("hub", HubId, nullable=False),
    sa.Column("run_id", Hash, nullable=False),
    sa.Column("beacon_id", Word, nullable=False),
    #: SHA-256 of the content, in lower case hex.
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("content_type", sa.String(128), nullable=False),
    sa.Column("stored_at", UtcDateTime, nullable=False),
    sa.Index("ix_hub_artifact_digest", "digest"),
)

#: What came of the last try to reach a beacon where it says that it listens.
probe = table(
    "hub_probe",
    sa.Column("hub", HubId, primary_key=True),
    sa.Column("beacon_id", Word, primary_key=True),
    #: When a try was asked for last: results of earlier requests are not noted.
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("probed_at", UtcDateTime),
    #: reachable, unreachable, or refused: the operator allows none of its addresses.
    sa.Column("status", sa.String(16)),
    sa.Column("url", sa.String(512)),
    sa.Column("detail", sa.String(512)),
    sa.Column("latency_ms", sa.Integer),
    sa.CheckConstraint("status IN ('reachable', 'unreachable', 'refused')", name="status"),
)
