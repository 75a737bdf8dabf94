"""Requests for records that come as work items: what goes through, and what is refused and written down."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from schema.ledger.tables import audit, receipt
from tasks.gateway import opening
from tasks.gateway.drivers import engines
from tests.app.mesh.conftest import Mesh
from tests.services.processes import eventually

ENGINES = pytest.mark.parametrize("target_url", ["sqlite", "postgresql", "mariadb"], indirect=True)


def noted(mesh: Mesh, outcome: str) -> list[Any]:
    """What the audit has of this outcome."""
    with mesh.presence.kernel.engine.connect() as connection:
        rows = connection.execute(sa.select(audit).where(audit.c.outcome == outcome).order_by(audit.c.id))
        return [row for row in rows.mappings() if row["command"].startswith("gateway.")]


@ENGINES
def test_the_answers_are_those_of_http(mesh: Mesh) -> None:
    made = mesh.outputs("MeadowProxy", "Request", Method="POST", Path="/1.0/library/Book", Body='{"Title": "a", "Isbn": "1"}', RemoteUser="ada")
    assert made["Status"] == 200
    status, book = mesh.proxied("GET", "1.0/library/Book/1")
    assert (status, book) == (200, mesh.library.get("Book/1"))
    read = mesh.outputs("MeadowProxy", "Request", Method="GET", Path="/1.0/library/Book/1")
    assert read["Headers"]["ETag"] == mesh.library.ask("GET", "Book/1").headers["ETag"]
    changed = mesh.proxied("PUT", "/1.0/library/Book", {"IDBook": 1, "Pages": 7}, IfMatch=read["Headers"]["ETag"])
    assert (changed[0], changed[1]["Pages"]) == (200, 7)
    assert mesh.proxied("PUT", "/1.0/library/Book", {"IDBook": 1, "Pages": 8}, IfMatch=read["Headers"]["ETag"])[0] == 412
    assert mesh.proxied("POST", "/1.0/library/Book", {"Title": "b", "Isbn": "1"})[0] == 409
    told = mesh.outputs("MeadowProxy", "Request", Method="PUT", Path="/1.0/library/Book/Upserts", Body='[{"Isbn": "1", "Title": "c"}]')
    assert told["Headers"]["X-Meadow-Upsert-Succeeded"] == "1"
    assert mesh.proxied("GET", "/1.0/library/Books/FilteredTo/FBV~Title~EQ~c%2F?limit=1") == (200, [])
    assert mesh.proxied("GET", "/1.0/library/Books/FilteredTo/FBV~Title")[1]["Code"] == "bad_filter"
    assert mesh.proxied("DELETE", "/1.0/library/Book/1") == (200, {"Count": 1})
    assert mesh.proxied("GET", "/1.0/library/Book/1")[0] == 404
    assert mesh.proxied("GET", "/1.0/nowhere/Book/1")[0] == 404
    assert mesh.proxied("GET", "/1.0/library/Nothing/1")[0] == 404
    done = eventually(lambda: found if len(found := noted(mesh, "done")) == 4 else None)
    assert (done[0]["subject"], done[0]["details"]["As"]) == ("POST /1.0/library/Book", "user:ada")


def test_stamps_name_the_user_of_the_session_and_no_header_does(mesh: Mesh) -> None:
    _, book = mesh.proxied("POST", "/1.0/library/Book", {"Title": "a", "Isbn": "1"}, Session={"UserID": 42, "SessionID": "0x1"})
    assert book["CreatingIDUser"] == 42
    forged = mesh.library.ask("POST", "Book", {"Title": "b", "Isbn": "2"}, x_trusted_session='{"UserID": 42}')
    assert forged.json["CreatingIDUser"] == 0


HOSTILE = [
    "/1.0/User",
    "/1.0/BeaconConnection/1",
    "/2.0/library/Book",
    "/1.0/library/../library/Book",
    "/1.0/library/%2e%2e/Book",
    "/1.0/library//Book",
    "//1.0/library/Book",
    "/1.0/library/Book/",
    "/1.0/lib%72ary/Book",
    "/1.0/library/Bo%6fk",
    "/1.0/library/Book%2F1",
    "/1.0/library%2FBook/1",
    "/1.0/library/Book%00",
    "/1.0/library/Book;drop/1",
    "/1.0/library/B\\ook",
    "http://elsewhere/1.0/library/Book",
    "/beacon/connections",
    "/1.0/LIBRARY/Book",
    "",
]


def test_paths_that_go_around_the_list_are_refused_and_written_down(mesh: Mesh) -> None:
    mesh.library.add(Title="a")
    for path in HOSTILE:
        assert mesh.error("MeadowProxy", "Request", Method="GET", Path=path).startswith("MeadowProxy: path is not in the allowlist"), path
    assert mesh.error("MeadowProxy", "Request", Path="/1.0/library/Books") == "MeadowProxy: Method is required."
    refused = eventually(lambda: found if len(found := noted(mesh, "refused")) == len(HOSTILE) else None)
    assert {row["details"]["Code"] for row in refused} == {"forbidden"}


@pytest.mark.parametrize("more", [{"UV_PROXY_WRITES": "0"}])
def test_without_writes_nothing_is_changed_by_any_method(mesh: Mesh) -> None:
    mesh.library.add(Title="a")
    mesh.library.ask("DELETE", "Book/1")
    for method, path in (
        ("POST", "Book"),
        ("PUT", "Book"),
        ("PATCH", "Book/1"),
        ("DELETE", "Book/1"),
        ("GET", "Book/Undelete/1"),
        ("TRACE", "Books"),
    ):
        assert mesh.error("MeadowProxy", "Request", Method=method, Path=f"/1.0/library/{path}") == "MeadowProxy: writes are disabled on this beacon."
    told = mesh.outputs("DataBeaconManagement", "UpdateProxyConfig", AllowWrites=True)
    assert told["ActiveConfig"]["AllowWrites"] is False, "what the operator has forbidden nobody allows"
    assert mesh.proxied("GET", "/1.0/library/Books") == (200, [])


def test_a_read_never_undeletes(mesh: Mesh) -> None:
    mesh.library.add(Title="a")
    mesh.library.ask("DELETE", "Book/1")
    assert mesh.proxied("GET", "/1.0/library/Book/Undelete/1")[0] == 405
    assert mesh.library.get("Books") == []
    assert mesh.proxied("POST", "/1.0/library/Book/Undelete/1") == (200, {"Count": 1})


@pytest.mark.parametrize("more", [{"UV_PROXY_PATHS": r"^/?1\.0/library/Page"}])
def test_the_list_is_widened_and_narrowed_for_those_who_ask(mesh: Mesh) -> None:
    mesh.library.add(Title="a")
    assert mesh.error("MeadowProxy", "Request", Method="GET", Path="/1.0/library/Books") == "MeadowProxy: path is not in the allowlist."
    assert mesh.proxied("GET", "/1.0/library/Pages")[0] == 200
    wish = {"PathAllowlist": [r"^/?1\.0/[^/]+/Bo[A-Za-z0-9]*"]}
    told = mesh.outputs("DataBeaconManagement", "UpdateProxyConfig", **wish)
    assert (told["Success"], told["PatternsAdded"], told["ActiveConfig"]["AllowWrites"]) == (True, 1, True)
    assert told["ActiveConfig"]["PathAllowlist"] == [r"^/?1\.0/library/Page", *wish["PathAllowlist"]]
    assert mesh.outputs("DataBeaconManagement", "UpdateProxyConfig", **wish)["PatternsAdded"] == 0
    assert mesh.proxied("GET", "/1.0/library/Books")[0] == 200
    mesh.outputs("DataBeaconManagement", "UpdateProxyConfig", AllowWrites=False)
    assert mesh.error("MeadowProxy", "Request", Method="POST", Path="/1.0/library/Book").startswith("MeadowProxy: writes are disabled")
    mesh.outputs("DataBeaconManagement", "UpdateProxyConfig", AllowWrites=True, Revoke=wish["PathAllowlist"])
    assert mesh.error("MeadowProxy", "Request", Method="GET", Path="/1.0/library/Books") == "MeadowProxy: path is not in the allowlist."


@pytest.mark.parametrize("more", [{"UV_PROXY_WIDEN": "0"}])
def test_an_operator_may_keep_the_list_as_it_is(mesh: Mesh) -> None:
    assert "UV_PROXY_WIDEN" in mesh.error("DataBeaconManagement", "UpdateProxyConfig", PathAllowlist=[".*"])
    eventually(lambda: noted(mesh, "refused"))


def test_a_hostile_pattern_is_refused_and_a_slow_one_does_not_exist(mesh: Mesh) -> None:
    for pattern in ("(a+)+$", "a|b", r"(.)\1", "(?=x)", "[", "a{9999}"):
        assert mesh.item("DataBeaconManagement", "UpdateProxyConfig", PathAllowlist=[pattern])["Status"] == "Error", pattern
    mesh.outputs("DataBeaconManagement", "UpdateProxyConfig", PathAllowlist=["a*a*a*a*a*a*a*a*a*a*b$"])
    assert mesh.proxied("GET", "/1.0/library/" + "a" * 3_000)[0] == 404
    assert len(eventually(lambda: noted(mesh, "refused"))) >= 6


STATEMENTS = [
    "",
    "DELETE FROM Book",
    "SELECT 1; DROP TABLE Book",
    "SELECT 1;;",
    "/*! DROP TABLE Book */ SELECT 1",
    "WITH x AS (DELETE FROM Book RETURNING 1) SELECT 1",
    "SELECT * INTO Other FROM Book",
    "SELECT load_extension('x')",
    "SELECT pg_read_file('x')",
    "ATTACH DATABASE 'x' AS y",
    "PRAGMA writable_schema=1",
    "EXEC xp_cmdshell 'x'",
    "SELECT 'unfinished",
]


@ENGINES
def test_a_statement_that_is_more_than_a_question_is_refused_and_written_down(mesh: Mesh) -> None:
    mesh.library.add(Title="a")
    id = mesh.library.id
    for text in STATEMENTS:
        assert mesh.item("DataBeaconAccess", "QueryTable", IDBeaconConnection=id, SQL=text)["Status"] == "Error", text
        refused = mesh.client.post(f"/beacon/connection/{id}/query", json={"SQL": text})
        assert (refused.status_code, refused.json["Success"]) == (400, False), text
    assert mesh.library.rows('SELECT count(*) FROM "Book"') == [(1,)]
    eventually(lambda: len(noted(mesh, "refused")) == len(STATEMENTS) - 1)


def test_a_statement_is_bounded_and_a_wrong_one_says_so(mesh: Mesh) -> None:
    id = mesh.library.id
    wrong = mesh.client.post(f"/beacon/connection/{id}/query", json={"SQL": "SELECT nothing FROM nowhere"})
    assert (wrong.status_code, wrong.json["Code"]) == (400, "bad_request"), wrong.json
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n"
    found = mesh.client.post(f"/beacon/connection/{id}/query", json={"SQL": many}).json
    assert (found["RowCount"], found["More"]) == (10_000, True)
    for tree in (
        {},
        {"From": "Book"},
        {"From": "Book", "Select": ["Title; DROP"]},
        {"From": "Book", "Select": ["Nope"]},
        {"From": "Book", "Selekt": []},
    ):
        assert mesh.client.post(f"/beacon/connection/{id}/query", json={"Query": tree}).status_code == 422, tree


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "mysql": "SELECT count(*) FROM information_schema.COLUMNS a, information_schema.COLUMNS b, information_schema.COLUMNS c",
}


@ENGINES
def test_a_statement_that_would_not_end_is_ended(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.STATEMENT_SECONDS, "study", 0.5)
    opening.close_all()  # those that are open have the usual time
    name = mesh.library.engine.dialect.name
    text = ENDLESS["mysql" if name == "mariadb" else name]
    cut = mesh.client.post(f"/beacon/connection/{mesh.library.id}/query", json={"SQL": text}, headers={"Prefer": "wait=30"})
    assert (cut.status_code, cut.json["Error"]) == (502, "The statement took longer than it may."), cut.json
    assert mesh.client.post(f"/beacon/connection/{mesh.library.id}/query", json={"SQL": "SELECT 1 AS n"}).json["Rows"] == [{"n": 1}]


def test_no_secret_is_in_an_answer_an_event_the_audit_or_a_receipt(mesh: Mesh) -> None:
    secret = "a-very-secret-word"
    config = {"host": "127.0.0.1", "port": 1, "user": "u", "database": "d", "password": secret}
    made = mesh.client.post("/beacon/connection", json={"Name": "Vault", "Type": "PostgreSQL", "Config": config})
    tried = mesh.client.post(f"/beacon/connection/{made.json['Connection']['IDBeaconConnection']}/test")
    wish = {"Name": "Other vault", "Type": "PostgreSQL", "Config": config}
    item = mesh.item("DataBeaconManagement", "CreateConnection", **wish)
    assert item["Status"] == "Complete", item["LastError"]
    asked = {"Capability": "DataBeaconManagement", "Action": "CreateConnection", "Settings": wish}
    twice = [mesh.client.post("/Beacon/Work/Enqueue", json=asked, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert twice[0].json == twice[1].json
    seen = [str(item), made.text, tried.text, mesh.client.get("/beacon/connections").text, str(mesh.outputs("DataBeaconAccess", "ListConnections"))]
    with mesh.presence.kernel.engine.connect() as connection:
        seen += [str(connection.execute(sa.select(table)).all()) for table in (audit, receipt)]
    client = mesh.presence.kernel.redis
    seen += [str(client.xrange(name)) for name in client.scan_iter("uv:events:*")] + [
        str(client.xrange(name)) for name in client.scan_iter("uv:journal:*")
    ]
    assert [text for text in seen if secret in text] == []
