"""A small domain for tests of the kernel: things are put on shelves. Its tables are its own and in no migration.

Every effect is a row that is only ever inserted, so that what happened twice is seen twice.
"""

from __future__ import annotations

import os
import signal

import sqlalchemy as sa

from schema.base import Command, Event, command, lane_kind
from schema.outcome import Done, Outcome, Refused
from schema.sql import UtcDateTime
from tasks.frame import Verb
from tasks.ledger.discard import discard
from tasks.ledger.replay import replay
from tasks.ledger.retain import retain
from tasks.unit import Unit

SHELF = lane_kind("shelf")

#: Apart from the product's metadata, which migrations are compared with.
metadata = sa.MetaData()
_BYTE_BY_BYTE = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
thing = sa.Table(
    "shelf_thing",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("lane", sa.String(128), nullable=False),
    sa.Column("name", sa.String(64), nullable=False, index=True),
    sa.Column("value", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    **_BYTE_BY_BYTE,
)
total = sa.Table(
    "shelf_total",
    metadata,
    sa.Column("lane", sa.String(128), primary_key=True),
    sa.Column("sum", sa.Integer, nullable=False),
    **_BYTE_BY_BYTE,
)


class OnShelf(Command):
    """A command of the lane of one shelf."""

    __slots__ = ()
    shelf: str

    @property
    def lane(self) -> str:
        return SHELF.of(self.shelf)


@command("shelf.put")
class Put(OnShelf):
    """Add a thing; the answer tells how many of its name there are, itself included."""

    shelf: str
    what: str
    value: int = 0


@command("shelf.sum")
class Sum(OnShelf):
    """Read and write a row that all commands of the lane share: two writers at once would lose an update."""

    shelf: str
    what: str
    value: int = 1


@command("shelf.refuse")
class Refuse(OnShelf):
    """Decline, after nothing was done."""

    shelf: str
    what: str


@command("shelf.pass_on")
class PassOn(OnShelf):
    """Add a thing, and order another on another shelf."""

    shelf: str
    what: str
    to: str


@command("shelf.fail")
class Fail(OnShelf):
    """Be a defect, each time, after having added a thing."""

    shelf: str
    what: str
    value: int = 0


@command("shelf.kill")
class Kill(OnShelf):
    """End the process, each time, after having added a thing."""

    shelf: str
    what: str


def put(command: Put, unit: Unit) -> Outcome:
    _add(unit, command.what, command.value)
    count = unit.read(sa.select(sa.func.count()).select_from(thing).where(thing.c.name == command.what)).scalar_one()
    unit.announce(Event("shelf", "shelf.put", {"Name": command.what}))
    return Done({"Count": count}, 201)


def add_up(command: Sum, unit: Unit) -> Outcome:
    _add(unit, command.what, command.value)
    before = unit.read(sa.select(total.c.sum).where(total.c.lane == unit.lane)).scalar()
    after = (before or 0) + command.value
    if before is None:
        unit.add(total, {"lane": unit.lane, "sum": after})
    else:
        unit.change(sa.update(total).where(total.c.lane == unit.lane).values(sum=after))
    return Done({"Sum": after})


def refuse(command: Refuse, unit: Unit) -> Outcome:
    return Refused("conflict", "The shelf is full.", {"Name": command.what})


def pass_on(command: PassOn, unit: Unit) -> Outcome:
    _add(unit, command.what, 0)
    unit.announce(Event("shelf", "shelf.passed_on", {"Name": command.what}))
    unit.order(Put(shelf=command.to, what=f"{command.what}, ordered"))
    return Done()


def fail(command: Fail, unit: Unit) -> Outcome:
    _add(unit, command.what, 0)
    raise ZeroDivisionError(f"{command.what} cannot be put")


def kill(command: Kill, unit: Unit) -> Outcome:
    _add(unit, command.what, 0)
    os.kill(os.getpid(), signal.SIGKILL)
    return Done()


def _add(unit: Unit, name: str, value: int) -> None:
    unit.add(thing, {"id": unit.new_id(), "lane": unit.lane, "name": name, "value": value, "at": unit.now})


VERBS: dict[str, Verb] = {
    "shelf.put": put,
    "shelf.sum": add_up,
    "shelf.refuse": refuse,
    "shelf.pass_on": pass_on,
    "shelf.fail": fail,
    "shelf.kill": kill,
    "ledger.replay": replay,
    "ledger.discard": discard,
    "ledger.retain": retain,
}
