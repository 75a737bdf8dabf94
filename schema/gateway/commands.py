"""What can be asked of the gateway.

What changes our own knowledge of foreign databases goes to the lane of connections. What needs a foreign database goes to a lane of that
database, which its databeacon serves: `gateway` changes it, exactly once; `ask` and `study` only read it, the one quickly, the other with
patience; `build` shapes it.
"""

from __future__ import annotations

from dataclasses import field
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
    """Remember that a database was given another shape, and which its tables have now. The answer is what was done there."""

    hub: str
    connection: int
    outputs: dict[str, Any]
    digest: str
    entities: list[dict[str, Any]] = field(default_factory=list)


@command("gateway.introspect", repeatable=True)
class Introspect(Abroad):
    """Look what tables and views a database has, or the one of that name, and have it noted. With `enable` it is served from now on."""

    hub: str
    connection: int
    table: str | None = None
    enable: bool = False

    @property
    def lane(self) -> str:
        return STUDY.of(self.connection)


@command("gateway.keep_entities")
class KeepEntities(ConnectionsCommand):
    """Know what was found. `whole`: what was not found is gone. `enable` serves them from now on."""

    hub: str
    connection: int
    entities: list[dict[str, Any]]
    whole: bool
    enable: bool = False


@command("gateway.disable_entity")
class DisableEntity(ConnectionsCommand):
    """Serve a table no longer."""

    hub: str
    connection: int
    table: str


@command("gateway.read", repeatable=True)
class Read(Abroad):
    """Rows of a table that is served. `entity` and `digest` say which table, and in which form it is known; `what` is how it is read."""

    hub: str
    connection: int
    entity: int
    digest: str
    what: str = "rows"
    key: dict[str, Any] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    filter: str = ""
    by: list[str] | None = None
    begin: int = 0
    cap: int = 250
    position: list[Any] | None = None

    @property
    def lane(self) -> str:
        return ASK.of(self.connection)


class Change(Abroad):
    """A command that changes rows: exactly once, in the lane of its database. `user` is the number under which stamps name whoever wants it."""

    __slots__ = ()
    entity: int
    digest: str
    user: int

    @property
    def lane(self) -> str:
        return GATEWAY.of(self.connection)


@command("gateway.create_rows")
class CreateRows(Change):
    """Store new rows, all or none. One row is answered as itself, several as an array."""

    hub: str
    connection: int
    entity: int
    digest: str
    user: int = 0
    rows: list[dict[str, Any]]
    many: bool = False


@command("gateway.update_rows")
class UpdateRows(Change):
    """Change columns of rows, all or none; each row brings its key. `expected` is the tag that the one row must have."""

    hub: str
    connection: int
    entity: int
    digest: str
    user: int = 0
    keys: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    many: bool = False
    expected: str = ""


@command("gateway.upsert_rows")
class UpsertRows(Change):
    """Store rows, or change those that are there by their key: `form` is `one`, `many` (all or none) or `detailed` (each for itself)."""

    hub: str
    connection: int
    entity: int
    digest: str
    user: int = 0
    rows: list[dict[str, Any]]
    form: str = "one"
    key: list[str] = field(default_factory=list)


@command("gateway.delete_row")
class DeleteRow(Change):
    """Delete a row, or mark it as deleted where the table has such a mark. `undo` takes the mark away."""

    hub: str
    connection: int
    entity: int
    digest: str
    user: int = 0
    key: dict[str, Any]
    expected: str = ""
    undo: bool = False


class Study(Abroad):
    """A question that may take its time."""

    __slots__ = ()

    @property
    def lane(self) -> str:
        return STUDY.of(self.connection)


@command("gateway.query", repeatable=True)
class RunQuery(Study):
    """Rows of several tables. `tree` is the query, `tables` the entity and digest of each table that it names."""

    hub: str
    connection: int
    tree: dict[str, Any]
    tables: dict[str, list[Any]]


@command("gateway.select", repeatable=True)
class RunSelect(Study):
    """Rows of a statement of the caller's own, which can only read."""

    hub: str
    connection: int
    sql: str
    cap: int = 10_000


@command("gateway.note_request")
class NoteRequest(ConnectionsCommand):
    """Leave in the audit what a work item wanted of records: never a value, never a body."""

    hub: str
    subject: str
    outcome: str
    details: dict[str, Any]


@command("gateway.set_policy")
class SetPolicy(ConnectionsCommand):
    """Widen what the one who asks may reach through work items, or take back what was widened. `writes` None leaves that as it is."""

    hub: str
    owner: str
    patterns: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    replace: bool = False
    writes: bool | None = None
    seconds: int = 0
