"""Records of foreign databases over HTTP: the whole table of addresses, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.app.gateway.records import Library
from tests.app.worker import Databeacon

pytestmark = pytest.mark.parametrize("target_url", ["sqlite", "postgresql", "mariadb"], indirect=True)


@pytest.fixture
def library(client: FlaskClient, databeacon: Databeacon, target_url: str) -> Iterator[Library]:
    made = Library(client, target_url)
    yield made
    made.engine.dispose()


def titles(rows: list[dict[str, Any]]) -> list[str]:
    return [row["Title"] for row in rows]


def test_a_record_is_stored_read_changed_deleted_and_brought_back(library: Library) -> None:
    book = library.add(Title="Emma", Pages=474, Price="12.50", Extra={"a": [1, {"b": None}]}, Lent=True)
    assert (book["IDBook"], book["Title"], book["Price"], book["Lent"], book["Extra"]) == (1, "Emma", "12.50", True, {"a": [1, {"b": None}]})
    assert (len(book["GUIDBook"]), book["Deleted"] in (0, False), book["DeleteDate"]) == (36, True, None)
    assert book["CreateDate"] == book["UpdateDate"]
    assert book["CreateDate"].endswith("Z")
    assert library.get("Book/1") == book
    changed = library.ask("PUT", "Book", {"IDBook": 1, "Pages": 475}).json
    assert (changed["Pages"], changed["Title"], changed["CreateDate"]) == (475, "Emma", book["CreateDate"])
    assert library.ask("PATCH", "Book/1", {"Title": "Emma!"}).json["Title"] == "Emma!"
    assert library.ask("PUT", "Book/1", {"Title": "Emma"}).json["Title"] == "Emma"
    assert library.ask("DELETE", "Book/1").json == {"Count": 1}
    assert library.ask("GET", "Book/1").status_code == 404
    assert library.get("Books") == []
    assert titles(library.get("Books/FilteredTo/FBV~Deleted~EQ~1")) == ["Emma"]
    assert library.ask("PUT", "Book/1", {"Pages": 1}).status_code == 404, "what is deleted is not changed"
    assert library.ask("POST", "Book/Undelete/1").json == {"Count": 1}
    assert library.get("Book/1")["Title"] == "Emma"
    assert library.rows('SELECT "Title", "Pages" FROM "Book"') == [("Emma", 475)]


def test_many_are_stored_and_changed_together_or_not_at_all(library: Library) -> None:
    rows = [{"Title": name, "Isbn": name, "Pages": n} for n, name in enumerate("abc")]
    made = library.ask("POST", "Books", rows)
    assert titles(made.json) == ["a", "b", "c"]
    again = library.ask("POST", "Books", [{"Title": "d", "Isbn": "d"}, {"Title": "x", "Isbn": "a"}])
    assert (again.status_code, again.json["Code"]) == (409, "duplicate")
    assert library.rows('SELECT count(*) FROM "Book"') == [(3,)]
    changed = library.ask("PUT", "Books", [{"IDBook": row["IDBook"], "Pages": 9} for row in made.json])
    assert [row["Pages"] for row in changed.json] == [9, 9, 9]
    half = library.ask("PUT", "Books", [{"IDBook": 1, "Pages": 10}, {"IDBook": 99, "Pages": 10}])
    assert half.status_code == 404
    assert library.rows('SELECT DISTINCT "Pages" FROM "Book"') == [(9,)]


def test_reading_many_in_all_its_ways(library: Library) -> None:
    library.ask("POST", "Books", [{"Title": f"t{n}", "Isbn": f"i{n}", "Pages": n % 3} for n in range(7)])
    assert len(library.get("Books")) == 7
    assert titles(library.get("Books/2/3")) == ["t2", "t3", "t4"]
    assert titles(library.get("Books/By/Pages/1")) == ["t1", "t4"]
    assert titles(library.get("Books/By/Pages/0/1/1")) == ["t3"]
    assert titles(library.get("Books/FilteredTo/FBV~Pages~GE~1~FSF~Title~DESC~0/0/2")) == ["t5", "t4"]
    assert library.get("Books/Count") == {"Count": 7}
    assert library.get("Books/Count/FilteredTo/FBV~Pages~EQ~0") == {"Count": 3}
    assert library.get("Books/Count/By/Pages/2") == {"Count": 2}
    assert library.get("Books/Distinct/Pages") == [{"Pages": 0}, {"Pages": 1}, {"Pages": 2}]
    assert library.get("Book/Max/IDBook")["Title"] == "t6"
    assert library.get("BookSelect/0/1") == [{"Hash": 1, "Value": "Book #1"}]
    (lite,) = library.get("Books/LiteExtended/Title/0/1")
    assert (lite["Value"], lite["IDBook"], lite["Title"], "Pages" in lite, "GUIDBook" in lite) == ("Book #1", 1, "t0", False, True)
    assert "Title" not in library.get("Books/Lite")[0]


def test_pages_by_cursor_show_each_row_once_also_when_rows_come_and_go(library: Library) -> None:
    library.ask("POST", "Books", [{"Title": f"t{n // 3}", "Isbn": f"i{n:02}"} for n in range(10)])
    seen: list[str] = []
    path = "Books/FilteredTo/FSF~Title~DESC~0?limit=3"
    while path:
        response = library.ask("GET", path)
        seen += [row["Isbn"] for row in response.json]
        if len(seen) == 3:
            library.ask("DELETE", "Book/ByKey/Isbn/i09")
        after = response.headers.get("X-Next-Cursor")
        path = f"Books/FilteredTo/FSF~Title~DESC~0?limit=3&after={after}" if after else ""
    assert seen == ["i09", "i06", "i07", "i08", "i03", "i04", "i05", "i00", "i01", "i02"]
    assert library.ask("GET", "Books?limit=2&after=xx").status_code == 400


FILTERS = [
    ("FBV~Title~EQ~b", "b"),
    ("FBV~Title~NE~b", "acd"),
    ("FBV~Pages~GT~1~FBV~Pages~LT~4", "cd"),
    ("FBV~Pages~IN~0", "a"),
    ("FBV~Pages~NN~0", "bcd"),
    ("FBL~Title~INN~a,c", "ac"),
    ("FBV~Title~INN~a,c", "ac"),
    ("FBL~Title~NIN~a,c", "bd"),
    ("FBV~Isbn~LK~%25tilde%25", "d"),
    ("FBV~Isbn~NLK~%25tilde%25", "abc"),
    ("FBV~Isbn~EQ~a%5C~tilde%2C%2Fslash", "d"),
    ("FBL~Isbn~INN~a%5C~tilde%5C%2C%2Fslash,a", "ad"),
    ("FBV~Title~EQ~a~FBVOR~Title~EQ~d", "ad"),
    ("FBV~Pages~EQ~2~FBVOR~Pages~EQ~3~FBV~Title~EQ~d", "cd"),
    ("FOP~0~(~0~FBV~Pages~EQ~2~FBVOR~Pages~EQ~3~FCP~0~)~0~FBV~Title~EQ~d", "d"),
    ("FBV~Title~EQ~a~FOPOR~0~(~0~FBV~Pages~EQ~2~FCP~0~)~0", "ac"),
    ("FBD~CreateDate~EQ~2001-02-03", "a"),
    ("FBD~CreateDate~GT~2001-02-03", "bcd"),
    ("FBD~CreateDate~LE~2001-02-03", "a"),
    ("FBJV~Extra.n~EQ~2", "b"),
    ("FBJV~Extra.n~GE~2", "bc"),
    ("FBJV~Extra.deep.word~EQ~x", "c"),
    ("FBJV~Extra$.deep.word~NE~x", "b"),
    ("FBJL~Extra.n~INN~2,3", "bc"),
    ("FSJF~Extra.n~DESC~SINT~FBV~Extra~NN~0", "cb"),
    ("FSF~Pages~DESC~0~FSF~Title~ASC~0~FBV~Pages~NN~0", "dcb"),
    ("FDST~0~0~0", "abcd"),
]


def test_the_filter_language(library: Library) -> None:
    library.add(Title="a", Pages=None)
    library.add(Title="b", Pages=1, Extra={"n": 2, "deep": {"word": "y"}})
    library.add(Title="c", Pages=2, Extra={"n": 3, "deep": {"word": "x"}})
    library.add(Title="d", Pages=3, Isbn="a~tilde,/slash")
    library.add(Title="gone", Pages=3, Isbn="gone")
    library.ask("DELETE", "Book/ByKey/Isbn/gone")
    with library.engine.begin() as connection:
        q = "`" if library.engine.dialect.name in ("mysql", "mariadb") else '"'
        connection.exec_driver_sql(f"UPDATE {q}Book{q} SET {q}CreateDate{q} = '2001-02-03 23:59:59.000' WHERE {q}Title{q} = 'a'")
    found = {filter: "".join(titles(library.get(f"Books/FilteredTo/{filter}"))) for filter, _ in FILTERS}
    assert found == dict(FILTERS)


@pytest.mark.parametrize(
    "filter",
    [
        "FBV~Title~EQ",
        "FBX~Title~EQ~a",
        "FBV~Title~ABOUT~a",
        "FBV~Nowhere~EQ~a",
        "FBV~Pages~EQ~many",
        "FBV~Title%60%22%5D~EQ~a",
        "FCP~0~)~0",
        "FOP~0~(~0",
        "FSF~Title~UP~0",
        "FSF~Title;DROP~ASC~0",
        "FBD~CreateDate~EQ~yesterday",
    ],
)
def test_a_filter_that_makes_no_sense_is_an_error_and_never_all_rows(library: Library, filter: str) -> None:
    library.add(Title="a")
    refused = library.ask("GET", f"Books/FilteredTo/{filter}")
    assert (refused.status_code, refused.json["Code"]) == (400, "bad_filter"), refused.json
    assert library.ask("GET", f"Books/Count/FilteredTo/{filter}").status_code == 400


def test_nothing_in_a_value_or_a_name_is_ever_sql(library: Library) -> None:
    evil = 'x\'; DROP TABLE "Book"; -- `\\'
    library.add(Title=evil, Isbn="a")
    assert library.ask("GET", "Books/By/Title%22%20OR%201=1--/a").status_code == 400
    assert library.ask("GET", "Book/Max/1;--").status_code == 400
    assert library.ask("POST", "Book", {"Title\") VALUES ('x') --": 1}).status_code == 422
    assert library.rows('SELECT "Title" FROM "Book"') == [(evil,)]


def test_rows_that_change_under_a_reader_are_noticed_by_their_tag(library: Library) -> None:
    library.add(Title="a")
    read = library.ask("GET", "Book/1")
    tag = read.headers["ETag"]
    assert library.ask("GET", "Book/1", If_None_Match=tag).status_code == 304
    first = library.ask("PATCH", "Book/1", {"Pages": 1}, If_Match=tag)
    assert (first.status_code, first.headers["ETag"] != tag) == (200, True)
    second = library.ask("PATCH", "Book/1", {"Pages": 2}, If_Match=tag)
    assert (second.status_code, second.json["Code"], second.json["Record"]["Pages"]) == (412, "stale", 1)
    assert library.ask("DELETE", "Book/1", If_Match=tag).status_code == 412
    assert library.ask("PATCH", "Book/1", {"Pages": 3}, If_Match=first.headers["ETag"]).status_code == 200


def test_upsert_finds_a_row_by_number_guid_and_natural_key(library: Library) -> None:
    made = library.ask("PUT", "Book/Upsert", {"Title": "a", "Isbn": "1"}).json
    for given in ({"IDBook": made["IDBook"]}, {"GUIDBook": made["GUIDBook"]}, {"Isbn": "1"}):
        assert library.ask("PUT", "Book/Upsert", {**given, "Title": "b", "Pages": 1}).json["IDBook"] == made["IDBook"]
    many = library.ask("PUT", "Book/Upserts", [{"Title": "c", "Isbn": "1"}, {"Title": "d", "Isbn": "2"}])
    assert (len(many.json), many.headers["X-Meadow-Upsert-Total"], many.headers["X-Meadow-Upsert-Errored"]) == (2, "2", "0")
    told = library.ask("PUT", "Book/Upserts/Detailed", [{"Title": "e", "Isbn": "2"}, {"Title": "x" * 99, "Isbn": "3" * 99, "Nope": 1}])
    assert told.json["Counts"] == {"Total": 2, "Succeeded": 1, "Errored": 1}
    assert told.json["ErrorRecords"][0]["Code"] == "invalid"
    assert library.rows('SELECT "Title", "Isbn" FROM "Book" ORDER BY 2') == [("c", "1"), ("e", "2")]


def test_what_is_marked_as_deleted_can_be_stored_again(library: Library) -> None:
    made = library.ask("PUT", "Book/Upsert", {"Title": "a", "Isbn": "1"}).json
    library.ask("DELETE", f"Book/{made['IDBook']}")
    assert library.ask("POST", "Book", {"Title": "b", "Isbn": "1"}).json["Code"] == "duplicate"
    again = library.ask("PUT", "Book/Upsert", {"Title": "b", "Isbn": "1"})
    assert (again.status_code, again.json["IDBook"], again.json["Title"], again.json["DeleteDate"]) == (200, made["IDBook"], "b", None)
    library.ask("DELETE", "Book/ByKey/Isbn/1")
    assert library.ask("PUT", "Book/ByKey/Isbn/1?upsert=1", {"Title": "c"}).json["Title"] == "c"
    assert library.rows('SELECT "Title" FROM "Book"') == [("c",)]


def test_rows_are_reached_by_natural_and_by_composite_keys(library: Library) -> None:
    library.add(Title="a", Isbn="i/1")
    assert library.get("Book/ByKey/Isbn/i%2F1")["Title"] == "a"
    assert library.ask("PATCH", "Book/ByKey/Isbn/i%2F1", {"Title": "b"}).json["Title"] == "b"
    assert library.ask("PUT", "Book/ByKey/Isbn/new?upsert=1", {"Title": "n"}).json["Isbn"] == "new"
    page = library.ask("POST", "Page", {"Book": "i1", "Number": 7, "Body": "text"}).json
    assert page == {"Book": "i1", "Number": 7, "Body": "text"}
    assert library.get("Page/i1,7") == page
    assert library.ask("PUT", "Page", {"Book": "i1", "Number": 7, "Body": "more"}).json["Body"] == "more"
    assert library.ask("PUT", "Page/Upsert", {"Book": "i1", "Number": 7, "Body": "most"}).json["Body"] == "most"
    assert library.ask("DELETE", "Page/ByKey/Book,Number/i1/7").json == {"Count": 1}
    assert library.rows('SELECT count(*) FROM "Page"') == [(0,)]


def test_a_view_is_read_and_not_written(library: Library) -> None:
    library.ask("POST", "Books", [{"Title": "thin", "Isbn": "1", "Pages": 9}, {"Title": "thick", "Isbn": "2", "Pages": 900}])
    assert titles(library.get("LentBooks")) == ["thick"]
    assert library.ask("POST", "LentBook", {"Title": "x"}).json["Code"] == "unsupported"


def test_what_is_wrong_with_a_record_is_said_and_nothing_is_stored(library: Library) -> None:
    library.add(Title="a", Isbn="1")
    duplicate = library.ask("POST", "Book", {"Title": "b", "Isbn": "1"})
    assert (duplicate.status_code, duplicate.json["Code"]) == (409, "duplicate")
    for body, status in (
        ({"Title": "b", "Nope": 1}, 422),
        ({"Title": "b", "Pages": "many"}, 422),
        ([1], 400),
        ([], 400),
    ):
        refused = library.ask("POST", "Book", body)
        assert refused.status_code == status, refused.json
    assert library.ask("PUT", "Book", {"Pages": 1}).status_code == 400
    assert library.ask("GET", "Book/many").status_code == 400
    assert library.ask("GET", "Book/99").status_code == 404
    assert library.ask("DELETE", "Book/99").status_code == 404
    undelete = library.ask("GET", "Book/Undelete/1")
    assert (undelete.status_code, undelete.json["Code"]) == (405, "method_not_allowed")
    assert library.rows('SELECT count(*) FROM "Book"') == [(1,)]


def test_the_same_key_stores_one_row_and_gives_one_answer(library: Library) -> None:
    first = library.ask("POST", "Book", {"Title": "a", "Isbn": "1"}, Idempotency_Key="k")
    again = library.ask("POST", "Book", {"Title": "a", "Isbn": "1"}, Idempotency_Key="k")
    assert (again.status_code, again.json) == (200, first.json)
    assert library.ask("POST", "Book", {"Title": "b", "Isbn": "2"}, Idempotency_Key="k").json["Code"] == "key_reused"
    assert library.rows('SELECT count(*) FROM "Book"') == [(1,)]


def test_what_is_disabled_or_changed_holds_at_once(library: Library) -> None:
    library.add(Title="a")
    library.client.post(f"/beacon/endpoint/{library.id}/Book/disable")
    assert library.ask("GET", "Books").status_code == 404
    with library.engine.begin() as connection:
        q = "`" if library.engine.dialect.name in ("mysql", "mariadb") else '"'
        connection.exec_driver_sql(f"ALTER TABLE {q}Book{q} ADD COLUMN {q}Colour{q} VARCHAR(20)")
    again = library.client.post(f"/beacon/endpoint/{library.id}/Book/enable").json
    assert again["Endpoint"] == {"TableName": "Book", "EndpointBase": "/1.0/library/Book", "ColumnCount": 14}
    assert library.ask("PATCH", "Book/1", {"Colour": "red"}).json["Colour"] == "red"
    library.client.post(f"/beacon/connection/{library.id}/disconnect")
    assert library.ask("GET", "Books").json["Code"] == "not_connected"
    assert library.client.post(f"/beacon/connection/{library.id}/connect").json["EndpointsRestored"] == 3
    assert len(library.get("Books")) == 1


def test_tables_views_and_keys_are_found_and_what_is_gone_is_forgotten(library: Library) -> None:
    library.add(Title="a")  # our own table is there now, and nobody's record
    found = library.client.post(f"/beacon/connection/{library.id}/introspect").json
    assert [table["TableName"] for table in found["Tables"]] == ["Book", "LentBook", "Page"]
    shown = library.client.get(f"/beacon/connection/{library.id}/table/Book").json
    kinds = {column["Name"]: column["MeadowType"] for column in shown["Columns"]}
    assert kinds == {
        "IDBook": "AutoIdentity",
        "GUIDBook": "AutoGUID",
        "Title": "String",
        "Isbn": "String",
        "Pages": "Numeric",
        "Price": "Numeric",
        "Lent": "Boolean",
        "Extra": "JSON",
        "CreateDate": "CreateDate",
        "CreatingIDUser": "CreateIDUser",
        "UpdateDate": "UpdateDate",
        "Deleted": "Deleted",
        "DeleteDate": "DeleteDate",
    }
    assert ["Isbn"] in shown["Keys"]["unique"].values()
    assert library.client.get(f"/beacon/connection/{library.id}/table/Page").json["Keys"]["primary"] == ["Book", "Number"]
    with library.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE `Page`" if library.engine.dialect.name in ("mysql", "mariadb") else 'DROP TABLE "Page"')
    library.client.post(f"/beacon/connection/{library.id}/introspect")
    assert library.ask("GET", "Pages").status_code == 404
    assert [table["TableName"] for table in library.client.get(f"/beacon/connection/{library.id}/tables").json["Tables"]] == ["Book", "LentBook"]
    assert [point["EndpointBase"] for point in library.client.get("/beacon/endpoints").json["Endpoints"]] == [
        "/1.0/library/Book",
        "/1.0/library/LentBook",
    ]


def test_a_table_tells_what_a_record_looks_like(library: Library) -> None:
    schema = library.get("Book/Schema")
    assert (schema["title"], schema["properties"]["Pages"]["type"]) == ("Book", ["integer", "null"])
    new = library.get("Book/Schema/New")
    assert (new["IDBook"], new["Title"], new["Lent"]) == (0, "", False)
    assert library.ask("POST", "Book/Schema/Validate", {"Title": "a", "Nope": 1}).json == {
        "Valid": False,
        "Errors": ["Nope: there is no such column."],
    }
