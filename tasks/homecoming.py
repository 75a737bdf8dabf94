"""What was done abroad becomes known at home: receipts, claimed orders, events, further orders, the audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from schema.envelope import Envelope
from schema.ledger import tables as ledger
from schema.outcome import Done, Outcome, Refused, decode, encode
from tasks.unit import Unit, look
from tasks.visit import Told

_SETTLED = sa.select(ledger.receipt.c.id, ledger.receipt.c.fingerprint, ledger.receipt.c.outcome)
_OPEN = sa.select(ledger.order.c.id)


class Known:
    """What the hub knew of a batch's envelopes before it was carried out, and what became of them since."""

    def __init__(self, receipts: dict[str, tuple[str, str]], orders: set[str]) -> None:
        self._receipts, self._orders = receipts, orders

    def settled(self, envelope: Envelope) -> Outcome | None:
        """The outcome that the envelope has already, None when it is still to be carried out."""
        if envelope.order is not None and envelope.order not in self._orders:
            return Done()
        stored = self._receipts.get(envelope.receipt or "")
        if stored is None:
            return None
        if stored[0] != envelope.fingerprint:
            return Refused("key_reused", "This Idempotency-Key was used for another request; use a new key for a new request.")
        return decode(stored[1])

    def keep(self, envelope: Envelope, outcome: Outcome) -> None:
        """Of two in one batch under the same key the second one gets the first one's outcome."""
        if envelope.receipt:
            self._receipts[envelope.receipt] = (envelope.fingerprint, encode(outcome).decode())
        if envelope.order is not None:
            self._orders.discard(envelope.order)


def known(engine: sa.Engine, envelopes: Sequence[Envelope]) -> Known:
    """Look up keys and orders, with one statement each where there are any."""
    keyed = [id for envelope in envelopes if envelope.key is not None and (id := envelope.receipt)]
    orders = [envelope.order for envelope in envelopes if envelope.order is not None]
    if not keyed and not orders:
        return Known({}, set())
    with look(engine) as connection:
        receipts = connection.execute(_SETTLED.where(ledger.receipt.c.id.in_(keyed))).all() if keyed else []
        found: Any = connection.execute(_OPEN.where(ledger.order.c.id.in_(orders))).scalars() if orders else []
        return Known({row.id: (row.fingerprint, row.outcome) for row in receipts}, set(found))


def settlement(envelope: Envelope, outcome: Outcome) -> list[Any]:
    """An envelope's end as JSON values."""
    fingerprint = envelope.fingerprint if envelope.receipt else ""
    return [envelope.receipt, envelope.id, envelope.command.name, fingerprint, str(envelope.actor), encode(outcome).decode(), envelope.order]


def follow(unit: Unit, told: Told) -> None:
    """Do at home what was told from abroad."""
    kept = {row[0]: row for row in told.settled if row[0]}
    there = set(unit.read(sa.select(ledger.receipt.c.id).where(ledger.receipt.c.id.in_(list(kept)))).scalars()) if kept else set()
    for id, envelope_id, name, fingerprint, actor, outcome, _ in kept.values():
        if id not in there:
            row = {"id": id, "envelope_id": envelope_id, "command": name, "fingerprint": fingerprint, "actor": actor}
            unit.add(ledger.receipt, {**row, "outcome": outcome, "settled_at": unit.now})
    claimed = [row[6] for row in told.settled if row[6]]
    if claimed:
        unit.change(sa.delete(ledger.order).where(ledger.order.c.id.in_(claimed)))
    for lane, envelope in told.orders:
        unit.add(ledger.order, {"id": orjson.loads(envelope)["u"], "lane": lane, "ordered_at": unit.now, "envelope": envelope})
    for name, subject, outcome, details, actor in told.notes:
        row = {"id": unit.new_id(), "at": unit.now, "actor": actor, "command": name, "subject": subject[:256]}
        unit.add(ledger.audit, {**row, "outcome": outcome, "details": details})
    unit.events.extend((topic, event) for topic, event in told.events)
