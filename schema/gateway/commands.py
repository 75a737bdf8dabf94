"""What can be asked of the gateway.

What changes our own knowledge of foreign databases goes to the lane of connections. What needs a foreign database goes to a lane of that
database, which its databeacon serves: `gateway` changes it, exactly once; `ask` and `study` only read it, the one quickly, the other with
patience; `build` shapes it.
"""

from __future__ import annotations

from typing import Any

from schema.base import Command, command, lane_kind

#: The database and the queue of one connection.
_ITS_OWN = {"database": "gateway.{0}", "queue": "gateway.{0}"}

CONNECTIONS = lane_kind("connections")
GATEWAY = lane_kind("gateway", **_ITS_OWN)
ASK = lane_kind("ask", **_ITS_OWN, loose=True)
STUDY = lane_kind("study", **_ITS_OWN, loose=True, seconds=45)
BUILD = lane_kind("build", **_ITS_OWN, loose=True, seconds=900)


class ConnectionsCommand(Command):
    """A command that changes what a hub knows of its connections."""

    __slots__ = ()
    hub: str

    @property
    def lane(self) -> str:
        return CONNECTIONS.of(self.hub)


class Sealed(ConnectionsCommand):
    """A command with a secret. The token is another each time; `mark` is not, and tells one secret from another."""

    __slots__ = ()

    def identity(self) -> dict[str, Any]:
        return {name: value for name, value in self.payload().items() if name != "sealed"}


@command("gateway.create_connection")
class CreateConnection(Sealed):
    """Know another database. `sealed` holds its secrets, `mark` tells them from others. `once`: one of that name is no conflict, it is the answer."""

    hub: str
    title: str
    kind: str
    config: dict[str, Any]
    sealed: str = ""
    mark: str = ""
    auto_connect: bool = False
    description: str = ""
    databeacon: str = ""
    once: bool = False


@command("gateway.edit_connection")
class EditConnection(Sealed):
    """Know a database differently. None leaves a value as it is; an empty `sealed` takes the secrets away."""

    hub: str
    connection: int
    title: str | None = None
    kind: str | None = None
    config: dict[str, Any] | None = None
    sealed: str | None = None
    mark: str = ""
    auto_connect: bool | None = None
    description: str | None = None
    status: str | None = None
    databeacon: str | None = None


@command("gateway.delete_connection")
class DeleteConnection(ConnectionsCommand):
    """Forget a database. The row stays, without secrets; its part of the path is free again."""

    hub: str
    connection: int


@command("gateway.disconnect")
class Disconnect(ConnectionsCommand):
    """Serve a database no longer. What was enabled stays so for the next time."""

    hub: str
    connection: int


@command("gateway.note_tried")
class NoteTried(ConnectionsCommand):
    """Remember how trying a connection ended, and with `connect` serve it from now on. `error` is empty when it could be opened."""

    hub: str
    connection: int
    error: str
    connect: bool


class Abroad(Command):
    """A command that a connection's databeacon carries out."""

    __slots__ = ()
    hub: str
    connection: int


@command("gateway.try_connection", repeatable=True)
class TryConnection(Abroad):
    """Open a database and ask it something, then have the result noted. The caller's answer is that of the note."""

    hub: str
    connection: int
    connect: bool = False

    @property
    def lane(self) -> str:
        return STUDY.of(self.connection)


@command("gateway.try_config", repeatable=True)
class TryConfig(Command):
    """Open a database that is not stored, and ask it something."""

    kind: str
    config: dict[str, Any]
    sealed: str = ""

    @property
    def lane(self) -> str:
        return STUDY.of(0)


@command("gateway.plan_schema", repeatable=True)
class PlanSchema(Abroad):
    """Say what bringing a database to a descriptor would do, and do nothing."""

    hub: str
    connection: int
    descriptor: dict[str, Any]
    schema_name: str = ""

    @property
    def lane(self) -> str:
        return STUDY.of(self.connection)


@command("gateway.introspect_schema", repeatable=True)
class IntrospectSchema(Abroad):
    """Say which tables and columns of a descriptor are there."""

    hub: str
    connection: int
    descriptor: dict[str, Any]
    schema_name: str = ""

    @property
    def lane(self) -> str:
        return STUDY.of(self.connection)


@command("gateway.ensure_schema", repeatable=True)
class EnsureSchema(Abroad):
    """Bring a database to a descriptor, forward only. `plan` is the digest of the plan that was agreed to; `force` takes an older version."""

    hub: str
    connection: int
    descriptor: dict[str, Any]
    schema_name: str = ""
    plan: str = ""
    force: bool = False

    @property
    def lane(self) -> str:
        return BUILD.of(self.connection)


@command("gateway.note_shaped")
class NoteShaped(ConnectionsCommand):
    """Remember that a database was given another shape. The answer is what was done there."""

    hub: str
    connection: int
    outputs: dict[str, Any]
    digest: str
