"""What the pages of runs ask for: operations by name with their newest runs, and outputs to be saved."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.schema.runs.graphs import node, operation

pytestmark = pytest.mark.usefixtures("worker")

SAY = operation([node("say", "template-string", Template="said by {~D:Record.Operation.who~}", Destination="Output.text")], ["start.Out>say.In"])


def keep(client: FlaskClient, hash: str, name: str, **more: Any) -> None:
    document = {**SAY, "Hash": hash, "Name": name, "InitialOperationState": {"who": "somebody"}, **more}
    assert client.post("/Operation", json=document).status_code == 200


def listed(client: FlaskClient, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/api/operations?{query}")
    assert answer.status_code == 200, answer.get_json()
    told: dict[str, Any] = answer.get_json()
    return told


def test_operations_come_by_name_and_page_by_page(client: FlaskClient) -> None:
    for number, name in enumerate(("beta", "Alpha", "gamma", "alpha", "")):
        keep(client, f"op-{number}", name)
    whole = [one["Hash"] for one in listed(client)["Operations"]]
    assert whole == ["op-4", "op-1", "op-3", "op-0", "op-2"]
    seen, after = [], ""
    while True:
        told = listed(client, f"limit=2&after={after}" if after else "limit=2")
        seen += [one["Hash"] for one in told["Operations"]]
        if (after := told["Next"]) is None:
            break
    assert seen == whole


def test_a_text_is_looked_for_in_all_that_an_operation_is_made_of(client: FlaskClient) -> None:
    keep(client, "one", "First", Tags=["winter"])
    keep(client, "two", "Second_100%")
    keep(client, "three", "Third", Graph={"Nodes": [{"Hash": "write", "Type": "write-file"}], "Connections": []})
    assert [one["Hash"] for one in listed(client, "text=WINTER")["Operations"]] == ["one"]
    assert [one["Hash"] for one in listed(client, "text=write-file")["Operations"]] == ["three"]
    # What means something to LIKE means itself here.
    assert [one["Hash"] for one in listed(client, "text=d_1")["Operations"]] == ["two"]
    assert [one["Hash"] for one in listed(client, "text=0%25")["Operations"]] == ["two"]
    assert listed(client, "text=%25_%25_%25")["Operations"] == []


def test_each_has_its_newest_runs_and_what_its_audit_has_found(client: FlaskClient) -> None:
    keep(client, "often", "Often")
    keep(client, "broken", "Broken", Graph={"Nodes": [{"Hash": "x", "Type": "nobody-knows"}], "Connections": []})
    begun = [client.post("/Operation/often/Execute/Async", json={}).get_json()["RunHash"] for _ in range(7)]
    broken, often = listed(client)["Operations"]
    assert [run["Hash"] for run in often["Runs"]] == begun[:1:-1]
    assert {run["Status"] for run in often["Runs"]} == {"Complete"}
    assert (often["Audit"], often["NodeCount"], often["Revision"]) == (
        {"Valid": True, "ErrorCount": 0, "WarningCount": 0},
        len(SAY["Graph"]["Nodes"]),
        1,
    )
    assert (broken["Runs"], broken["Audit"]["Valid"]) == ([], False)
    client.delete("/Operation/broken")
    assert [one["Hash"] for one in listed(client)["Operations"]] == ["often"]


@pytest.mark.parametrize("query", ["after=nonsense", "after=WzFd", "limit=0", f"text={'x' * 201}"])
def test_what_makes_no_sense_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/api/operations?{query}").status_code == 422


def test_an_output_is_saved_whole_and_not_shown(client: FlaskClient) -> None:
    keep(client, "say", "Say")
    run = client.get("/Operation/say/Execute").get_json()["Hash"]
    answer = client.get(f"/Manifest/{run}/Output?node=say&name=Result")
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "said by somebody")
    assert answer.headers["Content-Disposition"] == "attachment; filename=say-Result.txt"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    for path in (f"{run}/Output?node=say&name=Nothing", f"{run}/Output?node=nobody&name=Result", "run-x/Output?node=say&name=Result"):
        assert client.get(f"/Manifest/{path}").status_code == 404
    assert client.get(f"/Manifest/{run}/Output?node=say").status_code == 422
