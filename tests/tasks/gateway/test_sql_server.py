"""What SQL Server would be told: its statements compiled and compared, since a server of it is seldom at hand."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from schema.gateway.rules.descriptor import descriptor_of
from schema.gateway.shape import metadata_of
from tasks.gateway.comparing import _alike, _family
from tests.tasks.gateway.uv import UV

DIALECT = mssql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy left it so

STATEMENTS = """\
CREATE TABLE [UVManifest] ( [IDUVManifest] BIGINT NOT NULL IDENTITY, [GUIDUVManifest] NVARCHAR(36) NULL, [Hash] NVARCHAR(128) NOT NULL DEFAULT '', \
[StagingPath] NVARCHAR(1024) NOT NULL DEFAULT '', [Live] BIT NOT NULL DEFAULT 0, [Ratio] NUMERIC(12, 4) NULL, [IDOwner] BIGINT NOT NULL DEFAULT 0, \
[StartTime] DATETIME2(3) NULL, [ManifestJSON] NVARCHAR(max) NULL, [Notes] NVARCHAR(max) NULL, [CreatingIDUser] BIGINT NOT NULL DEFAULT 0, \
PRIMARY KEY ([IDUVManifest]) )
CREATE UNIQUE INDEX [AK_M_UVManifest_GUIDUVManifest] ON [UVManifest] ([GUIDUVManifest]) WHERE [GUIDUVManifest] IS NOT NULL
CREATE INDEX [IX_M_UVManifest_IDOwner] ON [UVManifest] ([IDOwner])
CREATE INDEX [IX_UVManifest_1] ON [UVManifest] ([Live], [StartTime])
CREATE UNIQUE INDEX [IX_UVManifest_Hash] ON [UVManifest] ([Hash])
CREATE TABLE [UVQueueWorkItem] ( [IDUVQueueWorkItem] BIGINT NOT NULL IDENTITY, [WorkItemHash] NVARCHAR(128) NOT NULL DEFAULT '', \
[Status] NVARCHAR(32) NOT NULL DEFAULT '', [HealthReason] NVARCHAR(512) NOT NULL DEFAULT '', [Settings] NVARCHAR(max) NULL, \
[EnqueuedAt] NVARCHAR(50) NOT NULL DEFAULT '', [Priority] BIGINT NOT NULL DEFAULT 0, [Health] DOUBLE PRECISION NULL, \
[CancelRequested] BIT NOT NULL DEFAULT 0, [CreateDate] DATETIME2(3) NULL, [UpdateDate] DATETIME2(3) NULL, [Deleted] SMALLINT NOT NULL DEFAULT 0, \
PRIMARY KEY ([IDUVQueueWorkItem]) )
CREATE INDEX [IX_UVQueueWorkItem_Dispatch] ON [UVQueueWorkItem] ([Status], [Priority], [EnqueuedAt])
CREATE UNIQUE INDEX [IX_UVQueueWorkItem_Hash] ON [UVQueueWorkItem] ([WorkItemHash])
"""

#: Type in a descriptor -> what the server then says that the column is.
REFLECTED: dict[str, tuple[object, sa.types.TypeEngine[object]]] = {
    "AutoIdentity": (None, mssql.BIGINT()),
    "AutoGUID": (None, mssql.NVARCHAR(36)),
    "String": (128, mssql.NVARCHAR(128)),
    "Text": (None, mssql.NVARCHAR()),
    "Integer": (None, mssql.BIGINT()),
    "Float": (None, mssql.FLOAT(53)),
    "Decimal": ("12,4", mssql.NUMERIC(12, 4)),
    "Boolean": (None, mssql.BIT()),
    "Deleted": (None, mssql.SMALLINT()),
    "DateTime": (None, mssql.DATETIME2(3)),  # type: ignore[no-untyped-call]  # SQLAlchemy left it so
    "ForeignKey": (None, mssql.BIGINT()),
    "JSON": (None, mssql.NVARCHAR()),
}


def compiled(statement: ExecutableDDLElement) -> str:
    return " ".join(str(statement.compile(dialect=DIALECT)).split())


def test_the_statements_are_those_of_sql_server() -> None:
    made = []
    for table in metadata_of(descriptor_of(UV), "mssql").sorted_tables:
        made.append(compiled(CreateTable(table)))
        made += [compiled(CreateIndex(index)) for index in sorted(table.indexes, key=lambda index: str(index.name))]
    assert made == STATEMENTS.splitlines()


@pytest.mark.parametrize("type", REFLECTED)
def test_a_second_run_would_find_each_type_as_it_should_be(type: str) -> None:
    size, reflected = REFLECTED[type]
    wish = {"Tables": [{"Scope": "T", "Schema": [{"Column": "C", "Type": type, "Size": size}, {"Column": "Other", "Type": "Integer"}]}]}
    wanted = metadata_of(descriptor_of(wish), "mssql").tables["T"].c["C"].type
    assert _alike(_family(reflected), _family(wanted.dialect_impl(DIALECT)), "mssql")


def test_another_length_is_a_difference() -> None:
    wanted = metadata_of(descriptor_of({"Tables": [{"Scope": "T", "Schema": [{"Column": "C", "Type": "String", "Size": 64}]}]}), "mssql")
    assert not _alike(_family(mssql.NVARCHAR(128)), _family(wanted.tables["T"].c["C"].type.dialect_impl(DIALECT)), "mssql")
