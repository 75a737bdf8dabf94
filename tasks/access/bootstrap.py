"""The first admin."""

from __future__ import annotations

import sqlalchemy as sa

from schema.access.commands import Bootstrap, OfferBootstrap
from schema.access.tables import bootstrap as offer
from schema.access.wire import user_record
from schema.outcome import Done, Outcome, Refused
from tasks.access import users
from tasks.ledger.audit import note
from tasks.unit import Unit

_KNOWN = Refused("conflict", "There are users already; an admin makes others.")


def offer_bootstrap(command: OfferBootstrap, unit: Unit) -> Outcome:
    """The newest offer is the only one."""
    if users.anybody(unit):
        return _KNOWN
    unit.change(sa.delete(offer))
    unit.add(offer, {"digest": command.digest, "offered_at": unit.now})
    return Done({"Offered": True})


def bootstrap(command: Bootstrap, unit: Unit) -> Outcome:
    """It works once: the offer ends with it, and there is none while there is a user."""
    if users.anybody(unit):
        return _KNOWN
    mine = offer.c.digest == command.digest
    if unit.change(sa.delete(offer).where(mine)).rowcount == 0:
        return Refused("forbidden", "This is not the token that was made at the first start.")
    row = users.add(unit, command.username, command.password_hash, "admin", command.full_name, command.email)
    assert row is not None
    note(unit, command.name, command.username, "added", {"Role": "admin"})
    return Done(user_record(row))
