"""Secrets with which beacons join: make one, replace it, forget it."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from schema.access.commands import DropJoinSecret, RotateJoinSecret
from schema.access.tables import join_secret
from schema.access.wire import join_secret_record
from schema.outcome import Done, Outcome, Refused
from tasks.ledger.audit import note
from tasks.unit import Unit


def rotate_join_secret(command: RotateJoinSecret, unit: Unit) -> Outcome:
    """The new one counts at once; those before it until the grace is over, and what is over is deleted."""
    mine = join_secret.c.name == command.secret_name
    until = unit.now + timedelta(seconds=command.grace_seconds)
    unit.change(sa.delete(join_secret).where(mine, join_secret.c.ends_at <= unit.now))
    if command.grace_seconds:
        unit.change(sa.update(join_secret).where(mine, sa.or_(join_secret.c.ends_at.is_(None), join_secret.c.ends_at > until)).values(ends_at=until))
    else:
        unit.change(sa.delete(join_secret).where(mine))
    row = {"id": unit.new_id(), "name": command.secret_name, "digest": command.digest, "created_at": unit.now, "ends_at": None}
    unit.add(join_secret, row)
    note(unit, command.name, command.secret_name, "rotated", {"GraceSeconds": command.grace_seconds})
    return Done(join_secret_record(row))


def drop_join_secret(command: DropJoinSecret, unit: Unit) -> Outcome:
    """Nobody joins with it any more."""
    if unit.change(sa.delete(join_secret).where(join_secret.c.name == command.secret_name)).rowcount == 0:
        return Refused("not_found", f"There is no join secret {command.secret_name}.")
    note(unit, command.name, command.secret_name, "dropped", {})
    return Done({"Name": command.secret_name, "Dropped": True})
