"""Every action of a databeacon, asked for by work items."""

from __future__ import annotations

import pytest

from schema.mesh.catalog import CATALOG
from tasks.mesh.carrying import ACTIONS
from tests.app.mesh.conftest import Mesh
from tests.tasks.gateway.uv import UV

ENGINES = pytest.mark.parametrize("target_url", ["sqlite", "postgresql", "mariadb"], indirect=True)


def test_every_action_that_is_declared_is_carried_out_and_no_other() -> None:
    assert ACTIONS.keys() == CATALOG.keys()


def test_a_databeacon_is_a_beacon_of_the_hub(mesh: Mesh) -> None:
    (beacon,) = [row for row in mesh.client.get("/Beacon").json if row["Name"] == "embedded"]
    assert (beacon["Status"], beacon["Liveness"], beacon["Tags"]) == ("Online", "Alive", {"Databeacon": "embedded"})
    assert beacon["Capabilities"] == ["DataBeaconAccess", "DataBeaconManagement", "DataBeaconSchema", "MeadowProxy"]
    assert {(schema["Capability"], schema["Action"]) for schema in beacon["ActionSchemas"]} == CATALOG.keys()


@ENGINES
def test_what_there_is_and_rows_of_it(mesh: Mesh) -> None:
    mesh.library.add(Title="a", Pages=1)
    mesh.library.add(Title="b", Pages=2)
    id = mesh.library.id
    (connection,) = mesh.outputs("DataBeaconAccess", "ListConnections")["Connections"]
    assert (connection["IDBeaconConnection"], connection["Config"]) == (id, "{}")
    tables = mesh.outputs("DataBeaconAccess", "ListTables", IDBeaconConnection=id)["Tables"]
    assert {table["TableName"]: table["EndpointsEnabled"] for table in tables} == {"Book": True, "Page": True, "LentBook": True}
    read = mesh.outputs("DataBeaconAccess", "ReadRecords", IDBeaconConnection=id, TableName="Book", Begin=1, Cap=1)
    assert ([row["Title"] for row in read["Records"]], read["Count"]) == (["b"], 1)
    q = "`" if mesh.library.engine.dialect.name in ("mysql", "mariadb") else '"'
    found = mesh.outputs("DataBeaconAccess", "QueryTable", IDBeaconConnection=id, SQL=f"SELECT {q}Title{q} FROM {q}Book{q} ORDER BY 1 DESC;")
    assert (found["Rows"], found["RowCount"]) == ([{"Title": "b"}, {"Title": "a"}], 2)
    assert mesh.error("DataBeaconAccess", "ReadRecords", IDBeaconConnection=id, TableName="Nope").startswith("Introspected table not found")
    assert mesh.error("DataBeaconAccess", "ListTables") == "IDBeaconConnection is required"


@ENGINES
def test_sums_and_joins(mesh: Mesh) -> None:
    for title, pages in (("a", 10), ("b", 20), ("c", 20)):
        mesh.library.add(Title=title, Pages=pages, Price="1.50")
    mesh.library.add(Title="gone", Pages=99)
    mesh.library.ask("DELETE", "Book/ByKey/Isbn/gone")
    pages = [{"Book": book, "Number": n, "Body": f"{book}{n}"} for book in "ab" for n in (1, 2)]
    mesh.library.ask("POST", "Pages", pages)
    id = mesh.library.id
    spec = {"Table": "Book", "GroupBy": ["Pages"], "OrderBy": ["Pages"], "Aggregates": [{"Source": "*", "Function": "Count", "As": "N"}]}
    spec["Aggregates"] += [{"Column": "Price", "Op": "SUM", "As": "Total"}, {"Source": "Title", "Function": "Max", "As": "Last"}]
    found = mesh.outputs("DataBeaconAccess", "Aggregate", IDBeaconConnection=id, AggregateSpec=spec)
    assert [(row["Pages"], row["N"], float(row["Total"]), row["Last"]) for row in found["Rows"]] == [(10, 1, 1.5, "a"), (20, 2, 3.0, "c")]
    assert "GROUP BY" in found["SQL"]
    join = {
        "Table": "Page",
        "RelatedTable": "Book",
        "JoinOn": {"SourceField": "Book", "RelatedField": "Isbn"},
        "Projection": {"Text": "{~D:Record.Body~}", "Of": "{~D:Related.Title~}"},
        "OrderBy": "Body",
        "Limit": 3,
        "AfterValue": None,
    }
    first = mesh.outputs("DataBeaconAccess", "Join", IDBeaconConnection=id, JoinSpec=join)
    assert [(row["Text"], row["Of"]) for row in first["Rows"]] == [("a1", "a"), ("a2", "a"), ("b1", "b")]
    second = mesh.outputs("DataBeaconAccess", "Join", IDBeaconConnection=id, JoinSpec=join | {"AfterValue": first["AfterValue"]})
    assert ([row["Text"] for row in second["Rows"]], first["CursorField"]) == (["b2"], "Text")
    assert "AfterValue or by Offset" in mesh.error("DataBeaconAccess", "Join", IDBeaconConnection=id, JoinSpec=join | {"Offset": 1})


@ENGINES
def test_a_query_is_a_tree(mesh: Mesh) -> None:
    for number in range(7):
        mesh.library.add(Title=f"t{number}", Pages=number % 3)
    tree = {
        "From": {"Table": "Book", "As": "b"},
        "Select": ["b.Title", {"Field": "b.Pages", "As": "P"}],
        "Where": {"Or": [{"Field": "Pages", "Operator": "GE", "Value": 1}, {"Not": {"Field": "Title", "Operator": "NE", "Value": "t0"}}]},
        "OrderBy": [{"Field": "P", "Descending": True}, "Title"],
        "Limit": 2,
    }
    seen, after = [], None
    for _ in range(4):
        page = mesh.outputs("MeadowProxy", "Query", IDBeaconConnection=mesh.library.id, Query=tree | ({"After": after} if after else {}))
        seen += [row["Title"] for row in page["Rows"]]
        after = page["Next"]
        if after is None:
            break
    assert seen == ["t2", "t5", "t1", "t4", "t0"]
    counted = {
        "From": "Book",
        "Select": ["Pages", {"Function": "Count", "Field": "*", "As": "N"}],
        "GroupBy": ["Pages"],
        "Having": {"Field": "N", "Operator": "GT", "Value": 2},
    }
    direct = mesh.client.post(f"/beacon/connection/{mesh.library.id}/query", json={"Query": counted})
    assert (direct.status_code, direct.json["Rows"]) == (200, [{"Pages": 0, "N": 3}]), direct.json


def test_tables_are_looked_at_served_and_left(mesh: Mesh) -> None:
    id = mesh.library.id
    one = mesh.outputs("DataBeaconManagement", "Introspect", IDBeaconConnection=id, TableName="Page")
    assert (one["TableCount"], one["Tables"][0]["ColumnCount"]) == (1, 3)
    package = mesh.outputs("DataBeaconManagement", "IntrospectMeadowPackage", IDBeaconConnection=id, TableName="Book")["Package"]
    assert (package["Scope"], package["DefaultIdentifier"], package["Schema"][0]["Type"]) == ("Book", "IDBook", "AutoIdentity")
    off = mesh.outputs("DataBeaconManagement", "DisableEndpoint", IDBeaconConnection=id, TableName="Page")
    assert off == {"TableName": "Page", "Disabled": True}
    for _ in range(2):
        on = mesh.outputs("DataBeaconManagement", "EnableEndpoint", IDBeaconConnection=id, TableName="Page")
        assert on == {"TableName": "Page", "EndpointBase": "/1.0/library/Page", "ColumnCount": 3}


@ENGINES
def test_a_database_is_brought_to_a_descriptor(mesh: Mesh) -> None:
    shape = {"IDBeaconConnection": mesh.library.id, "SchemaName": "uv", "SchemaJSON": UV}
    assert len(mesh.outputs("DataBeaconSchema", "PlanSchema", **shape)["Steps"]) == 8
    assert sorted(mesh.outputs("DataBeaconSchema", "EnsureSchema", **shape)["TablesCreated"]) == ["UVManifest", "UVQueueWorkItem"]
    again = mesh.outputs("DataBeaconSchema", "EnsureSchema", **shape)
    assert (again["MigrationStatements"], again["SkippedDestructive"], again["Success"]) == ([], [], True)
    assert {table["Exists"] for table in mesh.outputs("DataBeaconSchema", "IntrospectSchema", **shape)["Tables"]} == {True}


def test_a_connection_is_made_once_and_connected(mesh: Mesh) -> None:
    wish = {"Name": "Other", "Type": "SQLite", "Config": {"SQLiteFilePath": "other.db"}, "AutoConnect": True}
    first = mesh.outputs("DataBeaconManagement", "CreateConnection", **wish)
    again = mesh.outputs("DataBeaconManagement", "CreateConnection", **wish)
    assert (first["Created"], first["Connected"], first["ConnectError"], again["Created"]) == (True, True, None, False)
    assert again["IDBeaconConnection"] == first["IDBeaconConnection"]


def test_an_item_that_is_done_twice_has_its_effect_once(mesh: Mesh) -> None:
    book = {"Title": "a", "Isbn": "a"}
    item = mesh.item("MeadowProxy", "Request", Method="POST", Path="/1.0/library/Book", Body=book)
    from tasks.mesh.carrying import carried_out  # the databeacon's own hand

    told = {**item, "TimeoutMs": 10_000}
    report = carried_out(mesh.presence.kernel, told, mesh.presence.beacon_id)
    assert report.payload()["outputs"] == item["Result"]["Outputs"]
    assert mesh.library.rows('SELECT count(*) FROM "Book"') == [(1,)]
