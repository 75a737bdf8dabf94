"""The ledger: what the kernel itself must remember to keep its promises."""

from __future__ import annotations

import sqlalchemy as sa

from schema.sql import Json, LongText, UtcDateTime, table

#: How far each lane has been applied, per life of the broker. Moved by compare-and-swap in the transaction of the batch.
cursor = table(
    "ledger_cursor",
    sa.Column("lane", sa.String(128), primary_key=True),
    sa.Column("epoch", sa.String(36), primary_key=True),
    sa.Column("position", sa.String(48), nullable=False),
    sa.Column("moved_at", UtcDateTime, nullable=False),
)

#: The settled outcome of every command that carried a key or was waited for; kept 24 h.
receipt = table(
    "ledger_receipt",
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("envelope_id", sa.String(36), nullable=False),
    sa.Column("command", sa.String(64), nullable=False),
    sa.Column("fingerprint", sa.String(32), nullable=False),
    sa.Column("actor", sa.String(160), nullable=False),
    sa.Column("outcome", LongText, nullable=False),
    sa.Column("settled_at", UtcDateTime, nullable=False, index=True),
)

#: Events of one unit, one row; deleted once they are in their streams.
outbox = table(
    "ledger_outbox",
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("committed_at", UtcDateTime, nullable=False, index=True),
    sa.Column("events", LongText, nullable=False),
)

#: Commands that a unit ordered from another lane; each is deleted by the very unit that carries it out, so none is lost with the
#: broker and none is carried out twice.
order = table(
    "ledger_order",
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("lane", sa.String(128), nullable=False, index=True),
    sa.Column("ordered_at", UtcDateTime, nullable=False, index=True),
    sa.Column("envelope", LongText, nullable=False),
)

#: Envelopes that failed too often, with the reason; replayed or discarded by a person.
dead_letter = table(
    "ledger_dead_letter",
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("lane", sa.String(128), nullable=False, index=True),
    sa.Column("command", sa.String(64), nullable=False),
    sa.Column("actor", sa.String(160), nullable=False),
    sa.Column("error", sa.String(500), nullable=False),
    sa.Column("traceback", LongText, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("envelope", LongText, nullable=False),
    sa.Column("died_at", UtcDateTime, nullable=False, index=True),
)

#: Who did what, for the changes that an operator may be asked about; never a secret, never a body.
audit = table(
    "ledger_audit",
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("actor", sa.String(160), nullable=False),
    sa.Column("command", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(256), nullable=False),
    sa.Column("outcome", sa.String(32), nullable=False),
    sa.Column("details", Json, nullable=False),
)

#: That somebody follows a hub's changes, and the number of its newest change. Its lock is held until the commit, so numbers are in the
#: order of commits: whoever has read up to a number has missed nothing below it.
feed = table(
    "ledger_feed",
    sa.Column("hub", sa.String(64), primary_key=True),
    #: Of this numbering: another one has another.
    sa.Column("guid", sa.String(36), nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    #: Whose bell is rung after a commit with changes.
    sa.Column("reader", sa.String(128), nullable=False),
    sa.Column("began_at", UtcDateTime, nullable=False),
)

#: Which rows have changed: one row for each row of a mirrored table, with the number of its newest change.
change = table(
    "ledger_change",
    sa.Column("hub", sa.String(64), primary_key=True),
    #: The table.
    sa.Column("source", sa.String(64), primary_key=True),
    #: Its primary key, parts joined by a slash.
    sa.Column("row_key", sa.String(160), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("changed_by", sa.String(160), nullable=False),
    #: Who was the first to touch it since somebody follows.
    sa.Column("created_by", sa.String(160), nullable=False),
    sa.Index("ix_ledger_change_number", "hub", "number"),
)
