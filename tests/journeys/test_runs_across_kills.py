"""Runs go on while each part of the hub is killed in turn: every run ends as it should, and what its nodes do counts once."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.chaos.evidence import Rows, of_json
from bench.chaos.house import BEACONS, House, settings_for
from bench.chaos.plan import ACTION, CAPABILITY
from schema.runs.rules.run import FINAL
from schema.runs.types.beacons import card_hash
from tests.schema.runs.graphs import node, operation
from ultravisor import here

#: Seconds for each thing that is waited for; a healthy machine needs a few.
SOON = 120.0
RUNS = 40
CARD = card_hash(CAPABILITY, ACTION)

#: A branch at two beacons, a branch of files at an executor, a join, and a launched operation after it.
GRAPH = operation(
    [
        node("left", CARD, Key="{~D:Operation.key~}-left", DurationMs=150, MaxAttempts=20),
        node("right", CARD, Key="{~D:Operation.key~}-right", DurationMs=150, MaxAttempts=20),
        node("write", "write-file", FilePath="once.txt", Content="{~D:Operation.key~}", policy={"MaxAttempts": 5}),
        node("read", "read-file", FilePath="once.txt", Destination="Output.read", policy={"MaxAttempts": 5}),
        node("both", "event-counter", join="all", OutputAddress="Output.joined"),
        node("inner", "launch-operation", OperationHash="inner", InputData='{"key": "{~D:Operation.key~}"}'),
        node("end", "set-value", Value="{~D:TaskOutput.inner.Result.said~}", ToAddress="Output.said"),
    ],
    [
        *("start.Out>left.Trigger", "start.Out>right.Trigger", "start.Out>write.BeginWrite", "write.WriteComplete>read.BeginRead"),
        *("left.Complete>both.Trigger", "right.Complete>both.Trigger", "read.ReadComplete>both.Trigger"),
        *("both.Complete>inner.Launch", "inner.Completed>end.Execute"),
    ],
) | {"Hash": "outer"}
INNER = operation(
    [node("say", CARD, Key="{~D:Operation.key~}-inner", DurationMs=20, MaxAttempts=20, Destination="Output.said")], ["start.Out>say.Trigger"]
) | {"Hash": "inner"}
NODES = {"start", "left", "right", "write", "read", "both", "inner", "end"}

#: Orders of runs and of their items.
ORDERS = "SELECT count(*) AS n FROM ledger_order WHERE lane LIKE 'runs/%' OR lane LIKE 'hub/%'"
VICTIMS = ["web", "worker", "worker child", "executor", "executor child", "beat", "redis", "redis emptied", *BEACONS]


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    house = House(settings_for(tmp_path / "hub", database))
    house.start()
    wait(house, lambda: names(house) >= set(BEACONS), "the beacons are there")
    for document in (INNER, GRAPH):
        keep(house, document)
    yield house
    house.kill()


def keep(house: House, document: dict[str, Any]) -> None:
    wait(house, lambda: ask(house, "/Operation", document)[0] == 200, "the operation is stored")


def ask(house: House, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
    """Status 0 and nothing when nobody answers."""
    try:
        return here.ask(house.settings, path, body, key=key, timeout=8)
    except OSError:
        return 0, []


def names(house: House) -> set[str]:
    """Of the beacons that the hub knows: its own databeacon is one of them."""
    status, beacons = ask(house, "/Beacon")
    return {beacon["Name"] for beacon in beacons} if status == 200 else set()


def wait(house: House, question: Any, what: str) -> None:
    assert house.mind_until(question, SOON), f"not within {SOON:g} s: {what}; logs in {house.data / 'logs'}"


def blow(house: House, victim: str) -> None:
    role, _, part = victim.partition(" ")
    if part == "emptied":
        with here.broker(house.settings) as client:
            client.flushall()
        return
    wait(house, lambda: house.processes(role), f"{role} is there")
    family = house.processes(role)
    house.hurt(role, signal.SIGKILL, family[1:2] if part == "child" and len(family) > 1 else reversed(family))


def begin(house: House, number: int) -> str:
    """Begin a run under its key, as often as it takes; meanwhile nothing is hurt. Returns its hash."""
    told: list[Any] = []

    def begun() -> bool:
        status, answer = ask(house, "/Operation/outer/Execute/Async", {"Parameters": {"key": f"k{number}"}}, key=f"begin-{number}")
        if status == 200:
            told.append(answer["RunHash"])
        return status == 200

    wait(house, begun, f"run {number} is begun")
    return str(told[0])


def ended(rows: Rows) -> int:
    final = ", ".join(f"'{status}'" for status in FINAL)
    return rows.number(f"SELECT count(*) AS n FROM runs_run WHERE operation_hash = 'outer' AND status IN ({final})")


@pytest.mark.timeout(900)
def test_every_run_ends_and_each_effect_counts_once_whoever_is_killed(house: House) -> None:
    rows = Rows(house.settings.database_url)
    present = [victim for victim in VICTIMS if victim.partition(" ")[0] in house.children]
    assert {"web", "worker", "beat", "redis", *BEACONS} <= {victim.partition(" ")[0] for victim in present}
    begun: list[str] = []
    each = -(-RUNS // len(present))
    for victim in present:
        begun += [begin(house, len(begun) + place) for place in range(each)]
        blow(house, victim)
    wait(house, lambda: ended(rows) == len(begun), "every run has ended")
    wait(house, lambda: rows.number(ORDERS) == 0, "nothing of theirs is on its way")
    audit(rows, begun)


def audit(rows: Rows, begun: list[str]) -> None:
    """What SQL says of the runs, and of the items that they have ordered."""
    runs = {row["run_hash"]: row for row in rows.all("SELECT * FROM runs_run WHERE operation_hash = 'outer'")}
    assert runs.keys() == set(begun), "one run for each key"
    assert Counter(row["status"] for row in runs.values()) == {"Complete": len(begun)}
    for row in runs.values():
        state = of_json(row["state"])
        assert (state["Output"]["read"], state["Output"]["joined"]) == (state["Operation"]["key"], 1)
    events = rows.all("SELECT run_hash, node_hash, event_type, execution, seq FROM runs_event")
    ends = Counter((row["run_hash"], row["node_hash"]) for row in events if row["event_type"] == "TaskComplete")
    assert {name: count for name, count in ends.items() if count > 1} == {}
    assert {hash: {node for run, node in ends if run == hash} for hash in begun} == dict.fromkeys(begun, NODES)
    assert Counter(row["run_hash"] for row in events if row["event_type"] == "ExecutionComplete" and row["run_hash"] in runs) == dict.fromkeys(
        begun, 1
    )
    numbers: dict[str, list[int]] = {}
    for row in events:
        numbers.setdefault(row["run_hash"], []).append(row["seq"])
    assert all(sorted(seqs) == list(range(1, len(seqs) + 1)) for seqs in numbers.values())
    items = Counter((row["run_hash"], row["node_hash"]) for row in rows.all("SELECT run_hash, node_hash FROM hub_work_item"))
    assert {name: count for name, count in items.items() if count > 1} == {}, "one item for each node that asks for one"
    children = Counter(row["parent_run"] for row in rows.all("SELECT parent_run FROM runs_run WHERE parent_run <> ''"))
    assert children == dict.fromkeys(begun, 1)
    assert rows.number("SELECT count(*) AS n FROM ledger_dead_letter") == 0
