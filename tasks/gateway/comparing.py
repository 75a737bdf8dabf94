"""What a database lacks of a descriptor: Alembic's comparison, without what one engine only writes differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.ddl.base import AddColumn
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from schema.gateway.rules.descriptor import Descriptor
from schema.gateway.rules.plan import Step
from schema.gateway.shape import metadata_of


@dataclass(frozen=True, slots=True)
class Move:
    """A step, with the statement that takes it; None for one that is only listed."""

    step: Step
    statement: ExecutableDDLElement | None = None


def moves(connection: sa.Connection, descriptor: Descriptor) -> list[Move]:
    """All differences between the descriptor and the database, those to be done in the order in which they can be done."""
    metadata = metadata_of(descriptor, connection.dialect.name)
    if not metadata.tables:
        return []
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": _differs,
            "compare_server_default": False,
            "include_name": lambda name, type, parents: type != "table" or name in metadata.tables,
        },
    )
    found = produce_migrations(context, metadata).upgrade_ops
    assert found is not None
    made = [move for operation in _flat(found) for move in _moves(operation, metadata, connection.dialect)]
    return sorted(_without_taken(made), key=lambda move: _ORDER.get(move.step.kind, 9))


_ORDER = {"create-table": 0, "add-column": 1, "create-index": 2}


def _flat(operations: ops.OpContainer) -> Iterator[ops.MigrateOperation]:
    for operation in operations.ops:
        if isinstance(operation, ops.OpContainer):
            yield from _flat(operation)
        else:
            yield operation


def _moves(operation: Any, metadata: sa.MetaData, dialect: sa.Dialect) -> Iterator[Move]:
    match operation:
        case ops.CreateTableOp():
            table = metadata.tables[operation.table_name]
            yield _move(Step("create-table", table.name), CreateTable(table), dialect)
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                yield _move(Step("create-index", table.name, str(index.name), unique=index.unique, fresh=True), CreateIndex(index), dialect)
        case ops.CreateIndexOp():
            table = metadata.tables[operation.table_name]
            for index in table.indexes:
                if index.name == operation.index_name:
                    yield _move(Step("create-index", table.name, str(index.name), unique=index.unique), CreateIndex(index), dialect)
        case ops.AddColumnOp():
            column = metadata.tables[operation.table_name].c[operation.column.name]
            yield _move(Step("add-column", operation.table_name, column.name), AddColumn(operation.table_name, column), dialect)
        case ops.DropColumnOp():
            yield Move(Step("drop-column", operation.table_name, operation.column_name))
        case ops.AlterColumnOp():
            yield Move(Step("alter-column", operation.table_name, operation.column_name))
        case ops.DropIndexOp():
            yield Move(Step("drop-index", operation.table_name or "", str(operation.index_name)))
        case ops.DropConstraintOp():
            yield Move(Step("drop-index", operation.table_name, str(operation.constraint_name)))
        case ops.DropTableOp():
            yield Move(Step("drop-table", operation.table_name))


def _move(step: Step, statement: ExecutableDDLElement, dialect: sa.Dialect) -> Move:
    text = " ".join(str(statement.compile(dialect=dialect)).split())
    return Move(Step(step.kind, step.subject, step.name, text, step.unique, step.fresh), statement)


def _without_taken(made: list[Move]) -> list[Move]:
    """An index that is there under its name, but not as it should be, would have to be dropped first: it is listed, not made."""
    dropped = {(move.step.subject, move.step.name) for move in made if move.step.kind == "drop-index"}
    seen: set[tuple[str, str]] = set()
    kept = []
    for move in made:
        key = (move.step.subject, move.step.name)
        if move.step.kind == "create-index" and (key in dropped or key in seen):
            continue
        if move.step.kind == "create-index":
            seen.add(key)
        kept.append(move)
    return kept


def _differs(context: Any, found_column: Any, wanted_column: Any, found: Any, wanted: Any) -> bool:
    dialect = context.dialect
    return not _alike(_family(found), _family(wanted.dialect_impl(dialect)), dialect.name)


def _family(type: Any) -> tuple[Any, ...]:
    """What a type means, whatever the engine calls it."""
    match type:
        case sa.Boolean():
            return ("boolean",)
        case mysql.TINYINT():
            return ("tiny",)
        case sa.Integer():
            return ("integer",)
        case sa.Float():
            return ("float",)
        case sa.Numeric():
            return ("decimal", type.precision, type.scale)
        case sa.JSON():
            return ("json",)
        case sa.String():
            return ("string", type.length) if type.length and not isinstance(type, sa.Text) else ("text",)
        case sa.DateTime():
            return ("time",)
    return (str(type),)


def _alike(found: tuple[Any, ...], wanted: tuple[Any, ...], dialect: str) -> bool:
    if found == wanted:
        return True
    if dialect in ("mysql", "mariadb"):
        # It keeps booleans as tiny integers, and MariaDB documents as texts.
        pairs = {("tiny", "boolean"), ("tiny", "integer"), ("text", "json")}
        return (found[0], wanted[0]) in pairs
    return dialect == "mssql" and (found[0], wanted[0]) == ("text", "json")
