"""Settled outcomes and claimed orders of one batch: what makes a repeated envelope harmless."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from schema.among import among
from schema.envelope import Envelope
from schema.ledger.tables import order, receipt
from schema.outcome import Done, Outcome, Refused, decode, encode
from tasks.failures import LostCursor
from tasks.unit import Unit

_SETTLED = sa.select(receipt.c.id, receipt.c.fingerprint, receipt.c.outcome).where(among(receipt.c.id, "ids"))
_OPEN = sa.select(order.c.id).where(among(order.c.id, "ids"))
_CLAIM = sa.delete(order).where(among(order.c.id, "ids"))


class Receipts:
    """Looks up a whole batch with one statement per kind, however long the batch is.

    A caller's key that is settled gives the stored outcome again. Envelopes that nobody keyed are not looked up: they can come
    twice only by replay of the journal, and there the cursor decides.
    """

    def __init__(self, unit: Unit, envelopes: Sequence[Envelope]) -> None:
        self._unit = unit
        self._settled: dict[str, tuple[str, str]] = {}
        self._open: set[str] = set()
        self._claimed: list[str] = []
        self.learn(envelopes)

    def learn(self, envelopes: Sequence[Envelope]) -> None:
        """Look up these envelopes too."""
        keyed = [id for e in envelopes if e.key is not None and (id := e.receipt)]
        if keyed:
            self._settled |= {row.id: (row.fingerprint, row.outcome) for row in self._unit.read(_SETTLED, {"ids": keyed})}
        orders = [e.order for e in envelopes if e.order is not None]
        if orders:
            self._open |= set(self._unit.read(_OPEN, {"ids": orders}).scalars()) - set(self._claimed)

    def settled(self, envelope: Envelope) -> Outcome | None:
        """The outcome this envelope already has, None when it is still to be carried out."""
        if envelope.order is not None and envelope.order not in self._open:
            return Done()
        stored = self._settled.get(envelope.receipt or "")
        if stored is None:
            return None
        self._claim(envelope)  # an order whose key somebody else has settled meanwhile is done too
        fingerprint, outcome = stored
        if fingerprint != envelope.fingerprint:
            return Refused("key_reused", "This Idempotency-Key was used for another request; use a new key for a new request.")
        return decode(outcome)

    def keep(self, envelope: Envelope, outcome: Outcome) -> None:
        """Remember the outcome in this transaction: as a receipt when somebody may ask, by claiming the order when it was one."""
        self._claim(envelope)
        id = envelope.receipt
        if id is None:
            return
        fingerprint, text = envelope.fingerprint, encode(outcome).decode()
        self._settled[id] = (fingerprint, text)
        self._unit.add(
            receipt,
            {
                "id": id,
                "envelope_id": envelope.id,
                "command": envelope.command.name,
                "fingerprint": fingerprint,
                "actor": str(envelope.actor),
                "outcome": text,
                "settled_at": self._unit.now,
            },
        )

    def _claim(self, envelope: Envelope) -> None:
        if envelope.order is not None:
            self._open.discard(envelope.order)
            self._claimed.append(envelope.order)

    def close(self) -> None:
        """Delete the claimed orders, all with one statement. Raises LostCursor when one of them is gone: another flush has done it."""
        if self._claimed and self._unit.change(_CLAIM, {"ids": self._claimed}).rowcount != len(self._claimed):
            raise LostCursor("an order of this batch was carried out elsewhere")
