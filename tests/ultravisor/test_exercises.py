"""The parts of exercises that need no hub; tests/journeys runs the whole."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from beacon.settings import read_settings
from ultravisor.exercises import judging, measuring, plan
from ultravisor.exercises.fleet import flags
from ultravisor.exercises.measuring import Item, Run
from ultravisor.main import cli

START = datetime(2026, 1, 1, tzinfo=UTC)
OPERATIONS = [name for name in plan.names() if name.startswith("oe-")]
#: Items of each exercise where joins join once, and seconds that a hub without any overhead takes.
SIZES = {
    "be-mixed-three-capability": (24, 16.1),
    "be-oversubscribed-single-beacon": (20, 15.0),
    "be-single-capability-burst": (10, 15.0),
    "oe-failure-isolation": (12, 9.0),
    "oe-huge-stress": (3260, 515.0),
    "oe-loader-bottleneck": (32, 16.5),
    "oe-mass-parallel": (77, 39.0),
    "oe-mixed-concurrent": (10, 9.0),
    "oe-parallel-etl": (20, 12.0),
    "oe-poll-mode-beacon": (8, 3.2),
    "oe-single-etl": (4, 6.0),
}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def kicks(name: str, scale: float = 1.0) -> list[plan.Kick]:
    of = plan.exercise(name, scale)
    return (
        plan.kicks_of(of, {key: document["Hash"] for key, document in plan.operations_of(of, "m").items()}) if of.of_operations else plan.items_of(of)
    )


def beacon_nodes(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in document["Graph"]["Nodes"] if node["Type"].startswith("beacon-")]


def test_there_are_three_of_beacons_and_eight_of_operations() -> None:
    assert plan.names() == sorted(SIZES)


@pytest.mark.parametrize("name", sorted(SIZES))
def test_each_has_its_size(name: str) -> None:
    of, (items, ideal) = plan.exercise(name), SIZES[name]
    nodes = {document["Hash"]: len(beacon_nodes(document)) for document in plan.operations_of(of, "m").values()} if of.of_operations else {}
    assert sum(nodes.get(kick.body.get("OperationHash", ""), 1) for kick in kicks(name)) == items
    assert of.ideal_seconds == ideal
    assert plan.exercise(name, 0.1).ideal_seconds == pytest.approx(ideal / 10)


@pytest.mark.parametrize("name", sorted(SIZES))
def test_its_fleet_can_do_all_that_it_asks_for(name: str) -> None:
    of = plan.exercise(name)
    offered = {f"beacon-{member['Capability']}-{action}".lower() for member in plan.fleet_of(of) for action in member["Actions"]}
    documents = plan.operations_of(of, "m").values() if of.of_operations else ()
    wanted = {node["Type"] for document in documents for node in beacon_nodes(document)}
    wanted |= {f"beacon-{kick.body['Capability']}-{kick.body['Action']}".lower() for kick in kicks(name) if "Capability" in kick.body}
    assert wanted <= offered
    for member in plan.fleet_of(of):
        settings = read_settings(flags(member, "http://127.0.0.1:1"), {})
        assert (settings.name, settings.max_concurrent, settings.synthetic_capability) == (
            member["Name"],
            member["MaxConcurrent"],
            member["Capability"],
        )
        assert settings.transport == ("http" if member.get("RunMode") == "poll" else "auto")


def test_the_thousand_runs_come_as_they_are_described() -> None:
    found = kicks("oe-huge-stress")
    assert (len(found), max(kick.at for kick in found)) == (1040, pytest.approx(121.2))
    buckets = Counter(int(kick.at // 10) for kick in found)
    assert [buckets[n] for n in range(13)] == [92, 144, 142, 127, 89, 89, 85, 78, 68, 54, 34, 33, 5]
    assert [kick.at for kick in kicks("oe-huge-stress", 0.1)] == pytest.approx([kick.at / 10 for kick in found])


def test_work_comes_in_turn_or_at_once() -> None:
    mixed = kicks("be-mixed-three-capability")
    assert [kick.body["Capability"] for kick in mixed[:4]] == ["DataIntegration", "VideoTranscode", "FileTransfer", "DataIntegration"]
    assert (mixed[-1].at, mixed[-1].body["Settings"]) == (pytest.approx(1.15), {"DurationMs": 2000})
    assert {kick.at for kick in kicks("be-oversubscribed-single-beacon")} == {0.0}


def test_an_override_makes_a_clone_and_a_scale_another() -> None:
    plain, bent = sorted(plan.operations_of(plan.exercise("oe-failure-isolation"), "m").values(), key=lambda document: document["Hash"])
    assert (plain["Hash"], bent["Hash"]) == ("etl-linear", "etl-linear.m.1")
    assert [node["Data"].get("FailRate") for node in beacon_nodes(bent)] == [1.0, None, None, None]
    assert all("FailRate" not in node["Data"] for node in beacon_nodes(plain))
    assert [kick.bent for kick in kicks("oe-failure-isolation")] == [True, False, False]
    (scaled,) = plan.operations_of(plan.exercise("oe-single-etl", 0.1), "m").values()
    assert (scaled["Hash"], {node["Data"]["DurationMs"] for node in beacon_nodes(scaled)}) == ("etl-linear.m.1", {150.0})


def test_limits_shrink_with_the_scale_but_for_what_the_hub_takes() -> None:
    full, tenth = plan.exercise("oe-huge-stress"), plan.exercise("oe-huge-stress", 0.1)
    assert (full.limit("MaxOperationDurationSeconds"), full.patience_seconds) == (720, 735)
    assert tenth.limit("MaxOperationDurationSeconds") == pytest.approx(72 + 0.9 * plan.SLACK_SECONDS)
    assert full.limit("MaxDrainSeconds") is None


ITEMS = [
    Item("A", "Complete", at(0), at(0), at(2), 1_900),
    Item("A", "Complete", at(0), at(2), at(4), 1_900),
    Item("A", "Error", at(0), at(4), at(5), 1_900),
    Item("B", "Complete", at(1), at(4), at(5), 500),
    Item("B", "Pending", at(6), None, None, 500),
]


def test_peaks_waits_and_overheads() -> None:
    assert measuring.peaks(ITEMS) == {"A": 1, "B": 1}
    assert measuring.peaks([*ITEMS, Item("A", "Complete", at(0), at(1), at(3))]) == {"A": 2, "B": 1}
    found = measuring.times(ITEMS)
    assert found["QueueWaitMs"] == {"p50": 2000.0, "p95": 4000.0, "p99": 4000.0, "max": 4000.0}
    assert found["BeyondAskedMs"]["max"] == 500.0
    assert measuring.times([]) == {key: {} for key in ("QueueWaitMs", "RunMs", "EndToEndMs", "BeyondAskedMs")}
    assert (measuring.busiest(ITEMS, {"A": 1}), measuring.busiest(ITEMS, {"A": 2}), measuring.busiest([], {})) == (3, 2, 0)


def test_a_capability_is_blocked_while_items_wait_and_a_slot_is_free() -> None:
    assert measuring.blocked_seconds(ITEMS, {"A": 1, "B": 1}) == {"A": 0.0, "B": 3.0}
    assert measuring.blocked_seconds(ITEMS, {"A": 2, "B": 1})["A"] == 4.0
    busy = [Item("A", "Complete", at(n), at(n), at(n + 1)) for n in range(5)]
    assert measuring.blocked_seconds(busy, {"A": 1}) == {"A": 0.0}


def judged(name: str, assertion: str, **seen: Any) -> bool:
    of = plan.exercise(name)
    measured = {"NotBegun": 0, "DrainSeconds": 1.0} | seen.pop("measured", {})
    found = judging.verdicts(of, measured, seen.get("items", []), seen.get("runs", []), {"DataIntegration": 1, "FileTransfer": 1})
    assert {verdict["Name"] for verdict in found} == set(of.document["Assertions"])
    return {verdict["Name"]: verdict["Passed"] for verdict in found}[assertion]


GOOD, LATE = Run("Complete", at(0), at(1)), Run("Complete", at(0), at(900))
FAILED, BENT, OPEN = Run("Failed", at(0), at(1)), Run("Failed", at(0), at(1), bent=True), Run("Running", at(0), None)


@pytest.mark.parametrize(
    ("name", "assertion", "good", "bad"),
    [
        ("be-single-capability-burst", "MaxDrainSeconds", {}, {"measured": {"DrainSeconds": 25.1}}),
        ("be-single-capability-burst", "MaxFailedItems", {"items": [ITEMS[0]]}, {"items": [ITEMS[2]]}),
        ("be-single-capability-burst", "MaxFailedItems", {}, {"measured": {"NotBegun": 1}}),
        (
            "be-single-capability-burst",
            "MinObservedConcurrencyByCapability",
            {"items": [Item("DataIntegration", "Complete", at(0), at(0), at(1))]},
            {"items": ITEMS},
        ),
        (
            "be-oversubscribed-single-beacon",
            "NoCrossCapabilityHeadOfLineBlocking",
            {"items": [Item("FileTransfer", "Complete", at(0), at(1), at(2))]},
            {"items": [Item("FileTransfer", "Complete", at(0), at(2), at(3))]},
        ),
        ("oe-single-etl", "AllOperationsCompleted", {"runs": [GOOD]}, {"runs": [GOOD, OPEN]}),
        ("oe-single-etl", "MaxOperationDurationSeconds", {"runs": [GOOD]}, {"runs": [LATE]}),
        ("oe-single-etl", "MaxFailedOperations", {"runs": [GOOD]}, {"runs": [FAILED]}),
        ("oe-single-etl", "MaxFailedOperations", {"runs": [GOOD]}, {"runs": [GOOD], "measured": {"NotBegun": 1}}),
        ("oe-parallel-etl", "MinSuccessfulOperations", {"runs": [GOOD] * 5}, {"runs": [GOOD] * 4}),
        ("oe-failure-isolation", "FailureIsolation", {"runs": [BENT, GOOD]}, {"runs": [BENT, FAILED]}),
        ("oe-failure-isolation", "FailureIsolation", {"runs": [BENT]}, {"runs": [GOOD]}),
    ],
)
def test_each_verdict_holds_and_fails(name: str, assertion: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert judged(name, assertion, **good)
    assert not judged(name, assertion, **bad)


def test_an_assertion_that_nobody_knows_fails() -> None:
    of = plan.Exercise({**plan.exercise("oe-single-etl").document, "Assertions": {"MaxMood": 1}})
    (verdict,) = judging.verdicts(of, {"NotBegun": 0, "DrainSeconds": 0.0}, [], [], {})
    assert not verdict["Passed"]


def test_the_command_names_what_there_is_and_knows_nothing_else() -> None:
    listed = CliRunner().invoke(cli, ["exercise", "--list"])
    assert (listed.exit_code, [line.split()[0] for line in listed.output.splitlines()]) == (0, plan.names())
    assert [each["Hash"] for each in orjson.loads(CliRunner().invoke(cli, ["exercise", "--list", "--json"]).output)] == plan.names()
    unknown = CliRunner().invoke(cli, ["exercise", "oe-nothing"])
    assert (unknown.exit_code, "There is no exercise oe-nothing" in unknown.output) == (1, True)
    assert CliRunner().invoke(cli, ["exercise", "oe-single-etl", "--time-scale", "0"]).exit_code == 2
