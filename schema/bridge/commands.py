"""What can be asked of the bridge: of the hub's own lane, and of the databeacon that serves the connection."""

from __future__ import annotations

from typing import Any

from schema.base import Command, command, lane_kind

_ITS_OWN = {"database": "gateway.{0}", "queue": "gateway.{0}"}

BRIDGE = lane_kind("bridge")
#: A lane without a journal: what it carries out are the hub's changes, which lie in SQL (`tasks/bridge/mirror.py`).
MIRROR = lane_kind("mirror", **_ITS_OWN, loose=True, seconds=20)
#: Looks through both sides; takes its time.
CHECK = lane_kind("check", **_ITS_OWN, loose=True, seconds=900)
#: Shows what is there; somebody waits for it.
BROWSE = lane_kind("browse", **_ITS_OWN, loose=True, seconds=20)


def reader_of(hub: str, connection: int) -> str:
    """Who follows the hub's changes into a connection: the group whose bell is rung."""
    return MIRROR.of(connection, hub)


class BridgeCommand(Command):
    """A command about one hub's persistence."""

    __slots__ = ()
    hub: str

    @property
    def lane(self) -> str:
        return BRIDGE.of(self.hub)


@command("bridge.assign")
class Assign(BridgeCommand):
    """Keep the hub's rows in the database of this connection from now on. `beacon` is the databeacon that serves it, empty: whichever does."""

    hub: str
    connection: int
    beacon: str = ""


@command("bridge.clear")
class Clear(BridgeCommand):
    """Keep the hub's rows nowhere else any more. What lies there stays."""

    hub: str


@command("bridge.note", repeatable=True)
class Note(BridgeCommand):
    """Remember what has become of the persistence in a connection; of another one than the present it says nothing."""

    hub: str
    connection: int
    happening: str
    error: str = ""


@command("bridge.forget_changes", repeatable=True)
class ForgetChanges(BridgeCommand):
    """Forget which rows had changed, up to a number, for nobody follows any more: a page per command, and orders the next while there is more."""

    hub: str
    until: int


@command("bridge.retain")
class SetRetention(BridgeCommand):
    """Say how long ended items are kept in the database. None leaves a value as it is."""

    hub: str
    retention_days: int | None = None
    cancelled_retention_days: int | None = None
    legal_hold: bool | None = None


class CheckCommand(Command):
    """A command that looks through the database of a hub's persistence."""

    __slots__ = ()
    hub: str
    connection: int

    @property
    def lane(self) -> str:
        return CHECK.of(self.connection, self.hub)


@command("bridge.verify", repeatable=True)
class Verify(CheckCommand):
    """Compare both sides, row by row. Changes nothing."""

    hub: str
    connection: int


@command("bridge.sweep_target", repeatable=True)
class SweepTarget(CheckCommand):
    """Delete from the database what has been kept there long enough; with `dry` only count it."""

    hub: str
    connection: int
    dry: bool = False


@command("bridge.browse", repeatable=True)
class Browse(Command):
    """A page of the hub's rows over there. `after`: value and number of the last row that is known; `whole`: long texts in full."""

    hub: str
    connection: int
    table: str
    where: list[str]
    sort: str
    descending: bool
    after: list[Any] | None
    limit: int
    whole: bool = False

    @property
    def lane(self) -> str:
        return BROWSE.of(self.connection, self.hub)
