"""Operations and runs over HTTP: with the real journal, the real flush, and pure graphs, which end in the unit that begins them."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.permits import wanted
from app.runs import library
from schema.access.rules import OPERATE
from schema.runs.catalog import built_in, cards
from tests.app.worker import Worker
from tests.schema.runs.graphs import node, operation
from tests.services.processes import eventually

pytestmark = pytest.mark.usefixtures("worker")

SUM = operation(
    [node("x", "expression-solver", Expression="n * 2", Destination="Output.sum"), node("end", "end")],
    ["start.Out>x.In", "x.Complete>end.In"],
    InitialOperationState={"n": 1},
)
ASK = operation([node("ask", "value-input", OutputAddress="Output.word", PromptMessage="Which?")], ["start.Out>ask.RequestInput"]) | {"Hash": "ask"}


@pytest.fixture
def saved(client: FlaskClient, worker: Worker) -> FlaskClient:
    for document in (SUM, ASK):
        assert client.post("/Operation", json=document).status_code == 200
    return client


def test_an_operation_is_stored_changed_and_deleted(client: FlaskClient) -> None:
    made = client.post("/Operation", json={"Name": "First"}).get_json()
    assert (made["Hash"], made["Revision"], made["Graph"]["Nodes"]) == ("OPR-0001", 1, [])
    assert client.post("/Operation", json={"Name": "Second"}).get_json()["Hash"] == "OPR-0002"
    changed = client.put("/Operation/OPR-0001", json={"Description": "Better", "Custom": 1})
    assert (changed.get_json()["Name"], changed.get_json()["Custom"], changed.get_json()["Revision"]) == ("First", 1, 2)
    assert client.put("/Operation/OPR-0001", json={"Description": "Better"}).get_json()["Revision"] == 2
    tag = client.get("/Operation/OPR-0001").headers["ETag"]
    assert client.put("/Operation/OPR-0001", json={"Name": "Third"}, headers={"If-Match": tag}).status_code == 200
    stale = client.put("/Operation/OPR-0001", json={"Name": "Fourth"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.get_json()["Code"]) == (412, "stale")
    assert [row["Hash"] for row in client.get("/Operation").get_json()] == ["OPR-0001", "OPR-0002"]
    assert [row["Revision"] for row in client.get("/Operation/OPR-0001/Revisions").get_json()["Revisions"]] == [3, 2, 1]
    assert client.get("/Operation/OPR-0001/Revisions/1").get_json()["Description"] == ""
    assert client.delete("/Operation/OPR-0001").get_json() == {"Status": "Deleted", "Hash": "OPR-0001"}
    assert [client.get("/Operation/OPR-0001").status_code, client.delete("/Operation/OPR-0001").status_code] == [404, 404]
    assert client.get("/Operation/OPR-0001/Execute").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"Hash": "a b"},
        {"Hash": "x" * 81},
        {"Graph": []},
        {"Graph": {"Nodes": [{"Type": "x"}]}},
        {"Graph": {"Nodes": ["x"]}},
        {"Graph": {"Connections": [{"SourceNodeHash": "nobody"}]}},
        {"MaxExecutions": 0},
        {"InitialOperationState": 1},
    ],
)
def test_an_operation_that_makes_no_sense_is_refused(client: FlaskClient, body: dict[str, Any]) -> None:
    answer = client.post("/Operation", json=body)
    assert (answer.status_code, answer.get_json()["Code"]) == (422, "invalid"), answer.get_json()
    assert client.get("/Operation").get_json() == []


def test_an_operation_leaves_and_comes_back_as_it_was(saved: FlaskClient) -> None:
    exported = saved.get("/Operation/op/Export").get_json()
    assert saved.post("/Operation", json=exported).get_json()["Revision"] == 1
    assert exported["Graph"] == SUM["Graph"]


def test_execute_answers_with_the_whole_of_the_run(saved: FlaskClient) -> None:
    told = saved.get("/Operation/op/Execute?RunMode=debug").get_json()
    assert (told["Status"], told["RunMode"], told["Output"], told["OperationHash"]) == ("Complete", "debug", {"sum": 2}, "op")
    task = told["TaskManifests"]["x"]
    assert (task["DefinitionHash"], task["Category"], len(task["Executions"])) == ("expression-solver", "Data Transform", 1)
    assert task["Executions"][0]["EventFired"] == "Complete"
    assert told["TimingSummary"]["ByTaskType"]["expression-solver"]["Count"] == 1
    assert [row["EventName"] for row in told["EventLog"]][-1] == "ExecutionComplete"
    assert told["Live"] is False


def test_a_page_of_another_origin_begins_no_run(saved: FlaskClient) -> None:
    answer = saved.get("/Operation/op/Execute", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.get_json()["Code"], saved.get("/Manifest").get_json()) == (403, "cross_origin", [])


def test_beginning_a_run_is_no_reading() -> None:
    assert wanted("GET", "/Operation/<operation_hash>/Execute") == OPERATE


def test_nobody_can_pretend_that_an_item_belongs_to_a_run(saved: FlaskClient) -> None:
    answer = saved.post("/Beacon/Work/Enqueue", json={"Capability": "Shell", "Metadata": {"uv.reply": ["a", 1, 1]}})
    assert (answer.status_code, list(answer.get_json()["Fields"])) == (422, ["Metadata"])


def test_a_trigger_takes_parameters_and_answers_with_the_output(saved: FlaskClient) -> None:
    told = saved.post("/Operation/op/Trigger", json={"Parameters": {"n": 21}}).get_json()
    assert (told["Success"], told["Output"], told["OperationState"]) == (True, {"sum": 42}, {"n": 21})
    later = saved.post("/Operation/op/Trigger", json={"Async": True}).get_json()
    assert later.keys() >= {"RunHash", "Status", "OperationHash"}
    late = saved.post("/Operation/ask/Trigger", json={"TimeoutMs": 50})
    assert (late.status_code, late.get_json()["Code"]) == (504, "wait_over")


def test_a_trigger_answers_with_the_bytes_of_a_file_that_a_node_has_sent(saved: FlaskClient, worker: Worker) -> None:
    from tasks.runs import execute

    calls: list[Any] = []
    worker.stop()
    object.__setattr__(worker.kernel, "call", lambda *call: calls.append(call) or execute.execute(worker.kernel, *call[1]))
    worker.start()
    document = operation(
        [node("w", "write-file", FilePath="a.bin", Content="AAEC", Encoding="base64"), node("s", "send-result", FilePath="a.bin")],
        ["start.Out>w.BeginWrite", "w.WriteComplete>s.Trigger"],
    )
    saved.post("/Operation", json=document | {"Hash": "file"})
    answer = saved.post("/Operation/file/Trigger", json={})
    assert (answer.data, answer.mimetype, answer.headers["X-Status"]) == (b"\x00\x01\x02", "application/octet-stream", "Complete")
    assert answer.headers["X-Run-Hash"].startswith("run-file-")
    assert len(calls) == 2
    answer.close()


def test_the_same_key_is_the_same_run(saved: FlaskClient) -> None:
    key = {"Idempotency-Key": "k1"}
    first, second = (saved.post("/Operation/op/Execute/Async", json={}, headers=key).get_json() for _ in range(2))
    assert first == second
    assert saved.post("/Operation/op/Execute/Async", json={}).get_json()["RunHash"] != first["RunHash"]
    assert len(saved.get("/Manifest").get_json()) == 2


def test_a_batch_begins_what_it_can(saved: FlaskClient) -> None:
    rows = [{"Hash": "op", "Settings": {"n": 5}}, {"OperationHash": "nobody"}, {}, "x", {"OperationHash": "op", "RunMode": "debug"}]
    told = saved.post("/Operation/Execute/Batch", json={"Operations": rows}).get_json()
    assert [row["OperationHash"] for row in told["Runs"]] == ["op", "op"]
    assert [row["Index"] for row in told["Errors"]] == [1, 2, 3]
    hashes = [row["RunHash"] for row in told["Runs"]]
    eventually(lambda: [row["Status"] for row in saved.get("/Manifest").get_json()] == ["Complete"] * 2)
    found = saved.post("/Manifest/Batch", json={"Hashes": [*hashes, "none"]}).get_json()
    assert ({row["Hash"] for row in found["Manifests"]}, found["NotFound"]) == (set(hashes), ["none"])


def test_a_question_is_shown_answered_and_gone(saved: FlaskClient) -> None:
    told = saved.get("/Operation/ask/Execute").get_json()
    assert (told["Status"], told["WaitingTasks"]["ask"]["PromptMessage"]) == ("Waiting", "Which?")
    (row,) = saved.get("/PendingInput").get_json()
    assert (row["RunHash"], row["WaitingTasks"]["ask"]["ResumeEventName"]) == (told["Hash"], "ValueInputComplete")
    wrong = saved.post(f"/PendingInput/{told['Hash']}", json={"NodeHash": "start", "Value": 1})
    assert (wrong.status_code, wrong.get_json()["Code"]) == (409, "conflict")
    answer = saved.post(f"/PendingInput/{told['Hash']}", json={"NodeHash": "ask", "Value": [1, {"a": None}]})
    answered = answer.get_json()
    assert answered.keys() == {"Status", "Hash", "TaskOutputs", "Log", "Errors", "WaitingTasks"}
    assert (answered["Status"], answered["Hash"], answered["WaitingTasks"]) == ("Complete", told["Hash"], {})
    assert answered["TaskOutputs"]["ask"] == {"InputValue": [1, {"a": None}]}
    assert saved.get("/PendingInput").get_json() == []
    assert saved.get(f"/Manifest/{told['Hash']}").get_json()["Output"] == {"word": [1, {"a": None}]}


def test_a_run_is_forced_retried_forked_and_abandoned(saved: FlaskClient) -> None:
    run = saved.get("/Operation/ask/Execute").get_json()["Hash"]
    forced = saved.post(f"/PendingInput/{run}/ForceError", json={"NodeHash": "ask", "Reason": "no"})
    assert forced.get_json()["Status"] == "Failed"
    assert forced.get_json().keys() == {"Status", "Hash", "TaskOutputs", "Log", "Errors"}
    again = saved.post(f"/Operation/{run}/Retry", json={}).get_json()
    assert (again["Success"], again["RetryNode"], again["WaitingTasks"]) == (True, "(auto-detected)", ["ask"])
    assert saved.post("/Operation/Resume", json={"RunHash": run, "NodeHash": "ask", "Value": "x"}).get_json()["Status"] == "Complete"
    fork = saved.post(f"/Manifest/{run}/Fork", json={"NodeHash": "ask"}).get_json()["RunHash"]
    assert saved.post(f"/Manifest/{fork}/Abandon", json={"Reason": "enough"}).get_json()["Status"] == "Abandoned"
    assert saved.post(f"/Manifest/{fork}/Abandon").status_code == 409
    assert saved.post("/Manifest/AbandonStale", json={"OlderThanMs": 1}).get_json() == {"AbandonedCount": 0}
    kinds = [row["EventType"] for row in saved.get(f"/Manifest/{fork}/Events").get_json()["Events"]]
    assert kinds == ["ExecutionStart", "TaskStart", "TaskWaiting", "ExecutionWaiting", "ExecutionComplete"]


def test_a_large_output_is_told_by_its_digest_and_given_on_request(client: FlaskClient) -> None:
    document = operation(
        [
            node("a", "string-appender", InputString="x" * 600_000, OutputAddress="Operation.t"),
            node("b", "string-appender", OutputAddress="Operation.t"),
        ],
        ["start.Out>a.Append", "a.Completed>b.Append"],
    )
    document["Graph"]["Nodes"][2]["Data"]["InputString"] = "{~D:Operation.t~}"
    assert client.post("/Operation", json=document).status_code == 200
    told = client.get("/Operation/op/Execute").get_json()
    assert told["Status"] == "Complete", told["Errors"]
    large = told["TaskOutputs"]["b"]["AppendedString"]
    assert (large["$$ref"].partition(":")[0], large["Bytes"]) == ("sha256", 1_200_002)
    assert client.get(f"/Manifest/{told['Hash']}?inline=outputs").get_json()["TaskOutputs"]["b"]["AppendedString"] == "x" * 1_200_000
    assert len(client.get(f"/Manifest/{told['Hash']}/Output?node=b&name=AppendedString").data) == 1_200_000


def test_lists_are_arrays_page_by_page(saved: FlaskClient) -> None:
    for _ in range(5):
        saved.post("/Operation/op/Execute/Async", json={})
    first = saved.get("/Manifest?limit=3")
    second = saved.get(f"/Manifest?limit=3&after={first.headers['X-Next-Cursor']}")
    assert [len(first.get_json()), len(second.get_json())] == [3, 2]
    assert "X-Next-Cursor" not in second.headers
    starts = [row["StartTime"] for row in first.get_json() + second.get_json()]
    assert starts == sorted(starts, reverse=True)
    assert saved.get("/Manifest?status=Failed").get_json() == []
    assert len(saved.get("/Manifest?operation=op").get_json()) == 5


def test_what_nobody_knows_is_not_found(saved: FlaskClient) -> None:
    for path in ("/Operation/x", "/Operation/x/Export", "/Manifest/x", "/Manifest/x/Events", "/OperationAudit/x", "/OperationLibrary/x.json"):
        assert saved.get(path).status_code == 404, path
    for path in ("/Operation/x/Trigger", "/Operation/x/Execute/Async", "/Operation/x/Retry", "/Manifest/x/Abandon"):
        assert saved.post(path, json={}).status_code == 404, path


@pytest.mark.parametrize("name", ["../pages.py", "..%2Fpages.py", "x.txt", "%2e%2e/%2e%2e/settings.py", "hello-world.JSON"])
def test_the_library_gives_its_own_files_alone(client: FlaskClient, name: str) -> None:
    assert client.get(f"/OperationLibrary/{name}").status_code == 404


def test_node_templates_are_kept(client: FlaskClient) -> None:
    made = client.post("/NodeTemplate", json={"Type": "set-value", "Data": {"Value": 1}}).get_json()
    assert made["Hash"] == "TMPL-SET-VALUE-001"
    assert client.put(f"/NodeTemplate/{made['Hash']}", json={"Title": "One"}).get_json()["Data"] == {"Value": 1}
    assert len(client.get("/NodeTemplate").get_json()) == 1
    assert client.delete(f"/NodeTemplate/{made['Hash']}").get_json()["Status"] == "Deleted"
    assert client.get(f"/NodeTemplate/{made['Hash']}").status_code == 404


def test_every_task_type_is_listed_with_its_ports_and_settings(client: FlaskClient) -> None:
    rows = {row["Hash"]: row for row in client.get("/TaskType").get_json()}
    assert rows.keys() == built_in().keys()
    assert rows["replace-string"]["EventOutputs"] == [{"Name": "ReplaceComplete"}, {"Name": "Error", "IsError": True}]
    assert {name: value for name, value in rows["replace-string"]["SettingsInputs"][3].items() if name != "Description"} == {
        "Name": "UseRegex",
        "DataType": "Boolean",
        "Required": False,
    }


FLEET = [
    *(("DataIntegration", "Process"), ("PollOnly", "Process"), ("VideoTranscode", "Encode"), ("FileTransfer", "Transfer")),
    *(("Parser", "Parse"), ("Parser", "ParseStrict"), ("Validator", "Validate"), ("Validator", "ValidateStrict")),
    *(("Transformer", "Transform"), ("Loader", "Load"), ("Loader", "LoadIncremental")),
]


def test_the_library_holds_at_least_twenty_operations_without_a_fault(saved: FlaskClient) -> None:
    from app.runs.audit import audited

    types = {**cards([{"Capability": capability, "Action": action} for capability, action in FLEET]), **built_in()}
    entries = library.entries()
    assert len(entries) >= 20
    for entry in entries:
        document = saved.get(f"/OperationLibrary/{entry['FileName']}").get_json()
        assert audited(document, types, {"hello-world"})["Findings"] == [], entry["FileName"]
        assert saved.post("/Operation", json=document).status_code == 200


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("hello-world", {"Greeting": "Hello, world!"}),
        ("square-numbers", {"Squares": "1.0 4.0 9.0 16.0"}),
        ("parameter-sweep", {"Products": "6,20"}),
        ("count-down", {"Word": "Lift-off!"}),
        ("base64-round-trip", {"Same": True}),
    ],
)
def test_operations_of_the_library_do_what_they_say(saved: FlaskClient, name: str, output: dict[str, Any]) -> None:
    saved.post("/Operation", json=saved.get(f"/OperationLibrary/{name}.json").get_json())
    told = saved.get(f"/Operation/{name}/Execute").get_json()
    assert (told["Status"], told["Output"]) == ("Complete", output), told["Errors"]


def test_the_audit_finds_what_would_go_wrong(saved: FlaskClient) -> None:
    bad = operation(
        [
            node("a", "no-type"),
            node("b", "set-value", Value="{~D:TaskOutput.nobody.x~}"),
            node("c", "launch-operation", OperationHash="gone"),
            node("far", "set-value", ToAddress="x"),
        ],
        ["start.Out>a.In", "start.Out>b.Nothing", "b.Never>c.Launch"],
    )
    saved.post("/Operation", json=bad | {"Hash": "bad"})
    assert saved.get("/OperationAudit/op").get_json() == {
        "Hash": "op", "Name": "An operation", "Valid": True, "ErrorCount": 0, "WarningCount": 0, "Findings": [],
    }  # fmt: skip  # one row of it
    told = {row["Hash"]: row for row in saved.get("/OperationAudit").get_json()}["bad"]
    assert {found["Code"] for found in told["Findings"]} == {
        *("unknown_type", "missing_setting", "bad_address", "unknown_operation", "unreachable", "unknown_event", "unknown_input")
    }
    assert not told["Valid"]
