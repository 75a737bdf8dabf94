"""One transaction. The only file that connects for writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.sql.util import find_tables

from schema.base import SYSTEM, Actor, Command, Event, kind_of
from schema.envelope import Envelope, encode
from schema.ledger import tables as ledger
from schema.settings import Settings
from tasks.capture import Capture
from tasks.failures import Overtime
from tasks.rows import Key, Row, Rows

#: Milliseconds that a statement waits for another transaction; then the flush lets go and comes again. Less than a flush may take, so
#: that waiting is never mistaken for a command that hangs.
LOCK_MS = 1_500
#: Milliseconds that a statement may take on a server: more is a defect of the command.
STATEMENT_MS = 3_000
#: Milliseconds after which a server ends a transaction whose owner says nothing: a frozen worker must not hold its lane.
IDLE_MS = 5_000


#: Pages of SQLite's log (160 MB) at which a commit checkpoints by itself, at the price of a wait for the disk: only where no sweep does it.
LOG_PAGES = 40_000


def connect(url: str, *, keep: bool = True) -> sa.Engine:
    """An engine that may write. Made once per process, after the fork: connections must never be shared with a parent.

    Without `keep` each connection ends with its use: for a process from which others are forked.
    """
    pool: dict[str, Any] = {"pool_size": 2} if keep else {"poolclass": sa.NullPool}
    engine = sa.create_engine(
        url,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        pool_pre_ping=not url.startswith("sqlite"),
        **pool,
        connect_args={"timeout": LOCK_MS / 1000} if url.startswith("sqlite") else {},
        isolation_level=None if url.startswith("sqlite") else "READ COMMITTED",
    )
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    else:
        sa.event.listen(engine, "connect", lambda dbapi, _: _prepare_server(engine.dialect, dbapi))
    sa.event.listen(engine, "handle_error", give_up_interrupted)
    return engine


def look(engine: sa.Engine) -> sa.Connection:
    """A connection that only reads: on SQLite it does not wait for the one who writes."""
    return engine.connect().execution_options(looks=True)


def _prepare_sqlite(dbapi: Any, _: Any) -> None:
    dbapi.isolation_level = None  # the driver must not open transactions of its own; ours begin IMMEDIATE
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={LOCK_MS}", f"wal_autocheckpoint={LOG_PAGES}"):
        dbapi.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("looks") else "BEGIN IMMEDIATE")


def give_up_interrupted(context: sa.engine.ExceptionContext) -> None:
    """A connection whose statement our own clock has cut short cannot even be rolled back: the server is still at it. Without this the
    driver's complaint would hide what has happened, and pass for a broken connection.
    """
    if isinstance(context.original_exception, Overtime):
        context.is_disconnect, context.invalidate_pool_on_disconnect = True, False


def _prepare_server(dialect: Any, dbapi: Any) -> None:
    """Give every wait a bound. MySQL, unlike MariaDB, knows only the one for locks."""
    with dbapi.cursor() as cursor:
        if dialect.name == "postgresql":
            cursor.execute(f"SET lock_timeout = {LOCK_MS}; SET statement_timeout = {STATEMENT_MS}")
            cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MS}")
        else:
            cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {LOCK_MS // 1000}")
            if dialect.is_mariadb:
                cursor.execute(f"SET SESSION max_statement_time = {STATEMENT_MS // 1000}, idle_transaction_timeout = {IDLE_MS // 1000}")
    dbapi.commit()


@lru_cache(maxsize=1024)
def _tables_of(statement: sa.Executable) -> frozenset[sa.Table]:
    return frozenset(t for t in find_tables(statement, include_crud=True, check_columns=True) if isinstance(t, sa.Table))  # type: ignore[arg-type]  # typed for one clause, works for any statement


#: Hears within a unit what another domain has done; it may only order and announce.
Listener = Callable[["Unit", Mapping[Any, Any]], None]


@dataclass(slots=True)
class Unit:
    """One transaction of one lane: what verbs change the world with.

    Rows that verbs `add` and `amend` are held back and written in bulk; a read of a table writes its own first, so a verb sees
    what earlier verbs of the same unit did. Events and orders leave after the commit, or never.
    """

    connection: sa.Connection
    lane: str
    now: datetime
    new_id: Callable[[], str]
    envelope: Envelope | None = None
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    orders: list[Envelope] = field(default_factory=list)
    deliveries: list[tuple[str, bytes]] = field(default_factory=list)
    #: Further answers, by the Redis list at which somebody may wait for them.
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    #: Celery tasks that are rung for after the commit: name, arguments, and the seconds that they may take. As any doorbell, they may be lost.
    calls: list[tuple[str, tuple[Any, ...], float]] = field(default_factory=list)
    #: Who listens to what, by the name of what has happened.
    listeners: Mapping[str, Listener] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    #: Frames for those who have an item streamed: item, frame, whether it must be heard.
    frames: list[tuple[str, bytes, bool]] = field(default_factory=list)
    #: Followers to be woken after the commit, whatever they wait for.
    wakes: list[str] = field(default_factory=list)
    #: What verbs of this unit leave for each other, by whoever leaves it.
    notes: dict[Any, Any] = field(default_factory=dict)
    #: What it leaves for the units of the same lane that come after it: only what no other lane ever changes. Lost when a unit fails.
    memory: dict[Any, Any] = field(default_factory=dict)
    #: What a closing step sums up, by the step's own key.
    sums: dict[Any, dict[Any, int]] = field(default_factory=dict)
    #: Notes what this unit changes, where somebody follows the changes of its hub.
    capture: Capture | None = None
    _rows: Rows = field(init=False)
    _closing: dict[tuple[Any, ...], Callable[[], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rows = Rows(self.connection)

    @property
    def actor(self) -> Actor:
        """Who wants the command that is being carried out."""
        return self.envelope.actor if self.envelope else SYSTEM

    def add(self, table: sa.Table, row: dict[str, Any]) -> None:
        """Insert a row, in bulk with others of its table and shape."""
        self._rows.add(table, row)
        if self.capture is not None:
            self.capture.touch(table, tuple(row.get(column.name) for column in table.primary_key), self.actor)

    def amend(self, table: sa.Table, key: Key, values: Mapping[str, Any]) -> None:
        """Change columns of the row of that key, in bulk with others; a row that does not exist stays so."""
        self._rows.amend(table, key, values)
        if self.capture is not None:
            self.capture.touch(table, key, self.actor)

    def find(self, table: sa.Table, key: Key) -> Row | None:
        """The row of that key as this unit has left it, read once per unit. It does not change under its reader's hands."""
        return self._rows.find(table, key)

    def fetch(self, table: sa.Table, keys: Iterable[Key]) -> None:
        """Read the rows that `find` will be asked for, with one statement."""
        self._rows.fetch(table, keys)

    def read(self, statement: sa.Executable, parameters: dict[str, Any] | None = None) -> sa.Result[Any]:
        """Select, seeing all that this unit has done so far."""
        if self._rows:
            self._rows.write(_tables_of(statement))  # plain text names no tables: it may mean any
        return self.connection.execute(statement, parameters)

    def change(self, statement: sa.Executable, parameters: dict[str, Any] | Sequence[dict[str, Any]] | None = None) -> sa.CursorResult[Any]:
        """Update or delete, rows added in this unit included. Returns the driver's result, whose rowcount tells what was hit."""
        if self._rows:
            self._rows.forget(_tables_of(statement))
        if self.capture is not None:
            for keys in self.capture.hit_by(statement, self.connection.dialect):
                for given in parameters if isinstance(parameters, Sequence) else [parameters]:
                    for key in self.read(keys, given).all():
                        self.capture.touch(statement.table, tuple(key), self.actor)  # type: ignore[attr-defined]  # it changes one
        return self.read(statement, parameters)  # type: ignore[arg-type,return-value]  # a change yields a cursor result

    def announce(self, event: Event) -> str:
        """Tell the world after the commit. Returns the EventGUID, the same on every road on which the event travels."""
        guid = self.new_id()
        self.events.append((event.topic, {"Topic": event.kind, "Payload": event.payload, "EventGUID": guid}))
        return guid

    def order(self, command: Command, actor: Actor | None = None) -> None:
        """Have another lane carry out a command, exactly once, after the commit."""
        request = self.envelope.request_id if self.envelope else ""
        self.order_again(Envelope(self.new_id(), command, actor or self.actor, self.now, origin=self.lane, request_id=request))

    def order_again(self, envelope: Envelope) -> None:
        """Order an envelope that exists already: it keeps its id, key and actor, and nobody waits for it any more.

        Raises KeyError for a lane nobody declared: after the commit it would be too late to notice.
        """
        lane = envelope.command.lane
        kind_of(lane)
        # Whoever waited was told to repeat with the envelope's id as the key: both are one change.
        key = envelope.id if envelope.waited and envelope.key is None else envelope.key
        envelope = replace(envelope, order=self.new_id(), key=key, waited=False)
        self.orders.append(envelope)
        self.add(ledger.order, {"id": envelope.order, "lane": lane, "ordered_at": self.now, "envelope": encode(envelope).decode()})

    def deliver(self, inbox: str, message: bytes) -> None:
        """Put a message into a beacon's inbox after the commit. May be lost with the broker; the sweep offers it again."""
        self.deliveries.append((inbox, message))

    def answer(self, name: str, message: bytes) -> None:
        """Hand a message to whoever waits at that list after the commit. May be lost with the broker: who waits must look at the rows, too."""
        self.answers.append((name, message))

    def call(self, task: str, *arguments: Any, seconds: float) -> None:
        """Ring for a Celery task after the commit. May be lost with the broker; the clock rings again."""
        self.calls.append((task, arguments, seconds))

    def tell(self, happened: str, row: Mapping[Any, Any]) -> None:
        """Let whoever listens know, within this unit, what has become of a row: what they order is then part of the same commit."""
        listener = self.listeners.get(happened)
        if listener is not None:
            listener(self, row)

    def stream(self, item: str, frame: bytes, must: bool = False) -> None:
        """Hand a frame to whoever has the item streamed, after the commit. Lost where nobody listens, and where the listener does not keep up
        unless it must be heard.
        """
        self.frames.append((item, frame, must))

    def at_end(self, step: Callable[..., None], *arguments: Any) -> None:
        """Do a step once before the commit, however many verbs ask for it."""
        self._closing.setdefault((step, *arguments), lambda: step(self, *arguments))

    def close(self) -> str | None:
        """Do the closing steps, write what is buffered and the outbox row. Returns the outbox row's id if there is one."""
        self.envelope = None
        while self._closing:
            steps, self._closing = self._closing, {}
            for step in steps.values():
                step()
        id = None
        if self.events:
            id = self.new_id()
            self.add(ledger.outbox, {"id": id, "committed_at": self.now, "events": orjson.dumps(self.events).decode()})
        self._rows.write()
        if self.capture is not None:
            self.capture.write(self.connection, self.now)
        return id
