"""Past, present and future of the same items; and one look at everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.observer import timeline
from schema.hub.tables import work_event
from tests.app.observer.conftest import Front
from tests.schema.runs.graphs import node, operation
from tests.services.processes import eventually

BUDGET = 10


def test_past_present_and_future(front: Front) -> None:
    front.register()
    done, *rest = front.enqueue(4, RunHash="r1")
    front.complete(done)
    front.enqueue(1, Capability="Other")
    told = front.get("/Timeline", budget=BUDGET)
    assert told["From"] < told["Now"] < told["To"]
    assert [record["EventType"] for record in told["Past"]].count("Enqueued") == 5
    assert {record["EventType"] for record in told["Past"]} == {"Enqueued", "Dispatched", "Completed", "Registered"}
    finished = next(record for record in told["Past"] if record["EventType"] == "Completed")
    assert (finished["WorkItemHash"], finished["Capability"], finished["RunHash"], finished["Status"]) == (done, "Shell", "r1", "Complete")
    assert finished["DurationMs"] >= 0
    assert [record["WorkItemHash"] for record in told["Present"]] == rest[:1]
    assert [(record["WorkItemHash"], record["PredictionConfidence"]) for record in told["Future"][:2]] == [(hash, 0.0) for hash in rest[1:]]
    assert told["Future"][2]["PredictedAtIso"] is None, "nobody can take it"
    assert (sum(bucket["Count"] for bucket in told["Buckets"]), told["More"]) == (len(told["Past"]), False)
    raw = front.get("/Timeline?bucket=raw")
    assert (raw["Buckets"], raw["Past"]) == ([], told["Past"])


def test_filters_and_buckets(front: Front) -> None:
    front.enqueue(3, RunHash="r1")
    front.enqueue(2, Capability="Other")
    assert len(front.get("/Timeline?capability=Other", budget=BUDGET)["Past"]) == 2
    assert len(front.get("/Timeline?runHash=r1&futureLimit=2", budget=BUDGET)["Future"]) == 2
    told = front.get("/Timeline?from=now-2h&to=now%2B1s&futureLimit=0", budget=BUDGET)
    assert (told["Past"], told["Future"], {bucket["DurationMs"] for bucket in told["Buckets"]}) == ([], [], {60_000})
    assert sum(bucket["Count"] for bucket in told["Buckets"]) == 5
    assert told["Buckets"][0]["At"].endswith(":00.000Z")
    assert sum(bucket["ByCapability"].get("Other", 0) for bucket in told["Buckets"]) == 2
    for query in ("from=never", "bucket=0s", "from=now&to=now-1m", "since=x"):
        assert front.get(f"/Timeline?{query}", status=400)["Code"] == "bad_request"


def test_a_long_past_comes_in_pages(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    front.enqueue(5)
    monkeypatch.setattr(timeline, "MOST_EVENTS", 2)
    seen, since, more = [], "", True
    while more:
        page = front.get(f"/Timeline?since={since}")
        seen += [record["EventGUID"] for record in page["Past"]]
        since, more = page["Cursor"], page["More"]
    assert len(seen) == len(set(seen)) == 5
    monkeypatch.setattr(timeline, "MOST_COUNTED", 2)
    counted, since, more = 0, "", True
    while more:
        page = front.get(f"/Timeline?from=now-2d&since={since}")
        counted += sum(bucket["Count"] for bucket in page["Buckets"])
        since, more = page["Cursor"], page["More"]
    assert counted == 5


def test_a_burst_of_failures_stands_out(front: Front) -> None:
    (hash,) = front.enqueue()
    at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=2)
    row = {
        "work_item_hash": hash,
        "hub": "hub",
        "run_id": "",
        "event_type": "failed",
        "from_status": "Running",
        "to_status": "Error",
        "beacon_id": "",
    }
    rows = [row | {"seq": 10 + n, "event_guid": f"g{n}", "payload": {}, "emitted_at": at + timedelta(seconds=n)} for n in range(7)]
    with front.worker.kernel.engine.begin() as connection:
        connection.execute(sa.insert(work_event), rows)
    told = front.get("/Timeline/Anomalies?from=now-10m&bucket=1m", budget=1)
    (found,) = told["Anomalies"]
    assert (found["EventType"], found["Observed"], found["Baseline"], found["Score"], found["DurationMs"]) == ("Failed", 7, 5, 1.4, 60_000)
    assert (told["Mode"], told["BucketCount"]) == ("static-threshold", 2)
    assert front.get("/Timeline/Anomalies?capability=Other&from=now-10m")["Anomalies"] == []


def test_the_snapshot_has_everything(front: Front) -> None:
    beacon = front.register()
    done, failed, running, *waiting = front.enqueue(5)
    front.complete(done)
    front.fail(failed)
    (urgent,) = front.enqueue(Priority=9)
    told = front.get("/Observer/Snapshot", budget=10)
    assert set(told) == {"SchemaVersion", "GeneratedAt", "HubInstanceID", "Beacons", "Operations", "UpcomingQueue", "RecentTerminal", "Policy"}
    row = told["Beacons"][beacon]
    assert (row["Liveness"], row["CurrentWorkItems"], list(row["RecentDurations"])) == ("Alive", [running], ["Shell/Execute"])
    assert [item["WorkItemHash"] for item in told["UpcomingQueue"]] == [urgent, *waiting]
    assert {(item["BlockingReason"], *item["EligibleBeacons"]) for item in told["UpcomingQueue"]} == {("all_eligible_busy", beacon)}
    assert [(row["WorkItemHash"], row["Status"], row["RetryEligible"], row["TerminalReason"]) for row in told["RecentTerminal"]] == [
        (failed, "Error", True, "bad"),
        (done, "Complete", False, ""),
    ]
    assert len(front.get("/Observer/Snapshot?limit=1", budget=10)["UpcomingQueue"]) == 1


def test_the_snapshot_tells_what_runs_wait_for_and_which_have_ended(front: Front) -> None:
    front.post("/Operation", **operation([node("end", "end")], ["start.Out>end.In"], Hash="over"))
    front.post("/Operation", **operation([node("ask", "value-input", OutputAddress="Output.word")], ["start.Out>ask.RequestInput"], Hash="asks"))
    over, asks = (front.post(f"/Operation/{hash}/Execute/Async")["RunHash"] for hash in ("over", "asks"))
    eventually(lambda: front.get(f"/Manifest/{asks}")["Status"] == "Waiting")
    told = front.get("/Observer/Snapshot", budget=12)
    assert list(told["Operations"]) == [asks]
    row = told["Operations"][asks]
    assert (row["OperationHash"], row["Status"], row["WaitingFor"], row["StopTime"]) == ("asks", "Waiting", ["ask"], None)
    assert [active["NodeHash"] for active in row["ActiveNodes"]] == ["ask"]
    assert row["RemainingNodeCount"] == 1
    assert [(one["Kind"], one["RunHash"], one["Status"]) for one in told["RecentTerminal"]] == [("Operation", over, "Complete")]
