"""What a descriptor says, and what it cannot say."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql
from sqlalchemy.schema import CreateIndex, CreateTable

from schema.gateway.rules.descriptor import BadDescriptor, descriptor_of
from schema.gateway.shape import metadata_of
from tests.tasks.gateway.uv import UV


def table(*columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Tables": [{"Scope": "T", "Schema": list(columns), **more}]}


@pytest.mark.parametrize(
    ("column", "kind", "size"),
    [
        ({"Type": "String", "Size": "50"}, "string", 50),
        ({"Type": "String"}, "text", None),
        ({"Type": "String", "Size": "Default"}, "text", None),
        ({"Type": "String", "Size": 100_000}, "text", None),
        ({"Type": "AutoGUID"}, "guid", 36),
        ({"Type": "Decimal"}, "decimal", (10, 2)),
        ({"Type": "Decimal", "Size": "12,4"}, "decimal", (12, 4)),
        ({"Type": "Float"}, "float", None),
        ({"Type": "Deleted"}, "flag", None),
        ({"Type": "Whatever"}, "text", None),
        ({"Type": "Integer", "Size": "int"}, "integer", None),
    ],
)
def test_each_type_has_its_meaning(column: dict[str, Any], kind: str, size: Any) -> None:
    (made,) = descriptor_of(table({"Column": "C", **column})).tables[0].columns
    assert (made.type, made.size) == (kind, size)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Tables": {}},
        table(),
        table({"Column": "a;b", "Type": "Text"}),
        table({"Column": "A", "Type": "Text"}, {"Column": "a", "Type": "Text"}),
        table({"Column": "A", "Type": "AutoIdentity"}, {"Column": "B", "Type": "AutoIdentity"}),
        table({"Column": "A", "Type": "Decimal", "Size": "90,1"}),
        table({"Column": "A", "Type": "Text"}, Indexes=[{"Columns": ["B"]}]),
        table({"Column": "A", "Type": "Text"}, Indexes=[{"Name": "I"}]),
        table({"Column": "A", "Type": "Text"}, Indexes=[{"Name": 'x" DROP', "Columns": ["A"]}]),
        {"Tables": [{"Scope": "T" * 64, "Schema": [{"Column": "A"}]}]},
        {"Tables": [{"Scope": "T", "Schema": [{"Column": "A"}]}, {"Scope": "t", "Schema": [{"Column": "A"}]}]},
    ],
)
def test_what_cannot_be_understood_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadDescriptor):
        descriptor_of(given)


def test_the_digest_is_of_the_wish_and_not_of_its_words() -> None:
    said = descriptor_of({**UV, "_more": 1, "Version": "9"})
    assert said.digest == descriptor_of(UV).digest
    assert descriptor_of(UV, "another").digest != said.digest


def text_of(element: Any, dialect: sa.Dialect) -> str:
    return " ".join(str(element.compile(dialect=dialect)).split())


def test_sql_server_gets_its_own_types() -> None:
    table = metadata_of(descriptor_of(UV), "mssql").tables["UVManifest"]
    dialect = mssql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy left it so
    made = text_of(CreateTable(table), dialect)
    assert "[IDUVManifest] BIGINT NOT NULL IDENTITY" in made
    for expected in (
        "NVARCHAR(1024) NOT NULL DEFAULT ''",
        "BIT NOT NULL DEFAULT 0",
        "DATETIME2(3) NULL",
        "NVARCHAR(max) NULL",
        "NUMERIC(12, 4) NULL",
    ):
        assert expected in made
    indexes = {index.name: text_of(CreateIndex(index), dialect) for index in table.indexes}
    assert indexes["AK_M_UVManifest_GUIDUVManifest"].endswith("WHERE [GUIDUVManifest] IS NOT NULL")
    assert indexes["IX_UVManifest_Hash"] == "CREATE UNIQUE INDEX [IX_UVManifest_Hash] ON [UVManifest] ([Hash])"


def test_a_text_without_bound_is_indexed_by_its_beginning_on_mysql() -> None:
    given = descriptor_of(table({"Column": "A", "Type": "Text"}, Indexes=[{"Columns": ["A"]}]))
    (index,) = metadata_of(given, "mysql").tables["T"].indexes
    assert text_of(CreateIndex(index), mysql.dialect()).endswith("(`A`(191))")
