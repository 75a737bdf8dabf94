"""The rows over there, looked through without an SQL client: sorted, narrowed down, page by page, and as a file."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask.testing import FlaskClient

from tests.app.bridge.test_persistence import ALL, assign, enqueue
from tests.app.gateway.conftest import served
from tests.app.worker import Databeacon
from tests.services.processes import eventually

ROWS = "/Ultravisor/Persistence/Rows"


def filled(client: FlaskClient, target_url: str) -> list[str]:
    """Five items of priorities 0..2, all of them over there."""
    assign(client, served(client, target_url))
    body = {"Capability": "Shell", "Action": "Execute"}
    texts = ("plain", "50%_off", "=1+1", 'say "ä", twice\nor so', "plain")
    items = [body | {"Priority": n % 3, "Settings": {"Text": text}} for n, text in enumerate(texts)]
    hashes = [client.post("/Beacon/Work/Enqueue", json=item).json["WorkItemHash"] for item in items]
    eventually(lambda: client.get("/Ultravisor/Persistence/Status").json["Tables"].get("UVQueueWorkItem") == 5)
    return hashes


def asked(client: FlaskClient, **query: Any) -> list[str]:
    told = client.get(f"{ROWS}/UVQueueWorkItem", query_string=query)
    assert told.status_code == 200, told.json
    return [row["WorkItemHash"] for row in told.json["Rows"]]


@ALL
def test_rows_are_sorted_narrowed_down_and_read_page_by_page(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    hashes = filled(client, target_url)
    assert asked(client) == hashes[::-1]
    assert asked(client, descending="false") == hashes
    assert asked(client, where="Priority>=1", sort="Priority", descending="false") == [hashes[1], hashes[4], hashes[2]]
    assert asked(client, where=["Priority>=1", "Priority!=2"]) == [hashes[4], hashes[1]]
    assert asked(client, where="Settings~50%_o") == [hashes[1]]
    assert asked(client, where="Settings~0%o") == [], "signs of a pattern are signs of the text"
    assert asked(client, where="CancelRequested=true") == []
    seen, query = [], {"limit": 2, "sort": "Priority", "descending": "true"}
    while True:
        told = client.get(f"{ROWS}/UVQueueWorkItem", query_string=query)
        seen += [(row["Priority"], row["WorkItemHash"]) for row in told.json["Rows"]]
        if "X-Next-Cursor" not in told.headers:
            break
        query["after"] = told.headers["X-Next-Cursor"]
    assert sorted(hash for _, hash in seen) == sorted(hashes)
    assert [priority for priority, _ in seen] == [2, 1, 1, 0, 0]


@ALL
def test_a_file_holds_all_of_it_and_no_formula(client: FlaskClient, databeacon: Databeacon, target_url: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("app.bridge.rows.PART", 2)
    hashes = filled(client, target_url)
    told = client.get(f"{ROWS}/UVQueueWorkItem/csv", query_string={"descending": "false"})
    assert (told.status_code, told.mimetype) == (200, "text/csv")
    assert told.headers["Content-Disposition"] == 'attachment; filename="UVQueueWorkItem.csv"'
    rows = list(csv.DictReader(io.StringIO(told.get_data(as_text=True), newline="")))
    assert [row["WorkItemHash"] for row in rows] == hashes
    assert "twice\\nor so" in rows[3]["Settings"]
    assert len(list(csv.DictReader(io.StringIO(client.get(f"{ROWS}/UVQueueWorkItem/csv?where=Priority=0").get_data(as_text=True))))) == 2


def test_what_cannot_be_asked_is_refused(client: FlaskClient, databeacon: Databeacon, target_url: str) -> None:
    assert client.get(f"{ROWS}/UVQueueWorkItem").status_code == 409
    assert client.get(f"{ROWS}/UVQueueWorkItem/csv").status_code == 409
    assign(client, served(client, target_url))
    enqueue(client, 1)
    eventually(lambda: client.get("/Ultravisor/Persistence/Status").json["Tables"].get("UVQueueWorkItem") == 1)
    for number, table, query in (
        (404, "Nothing", {}),
        (404, "ultravisor_mirror", {}),
        (400, "UVQueueWorkItem", {"where": "Nothing=1"}),
        (400, "UVQueueWorkItem", {"where": "Priority=high"}),
        (400, "UVQueueWorkItem", {"where": "CreateDate>=2020"}),
        (400, "UVQueueWorkItem", {"sort": "Settings"}),
        (400, "UVQueueWorkItem", {"sort": "1; DROP TABLE UVManifest"}),
        (400, "UVQueueWorkItem", {"sort": "Priority", "after": "WyJ4IiwieSJd"}),
        (422, "UVQueueWorkItem", {"where": "Status"}),
        (422, "UVQueueWorkItem", {"limit": 0}),
        (422, "UVQueueWorkItem", {"after": "?"}),
    ):
        told = client.get(f"{ROWS}/{table}", query_string=query)
        assert told.status_code == number, (query, told.json)
