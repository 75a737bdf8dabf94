"""Operations that beacons bring: kept once, changed by who brought them, and never in the way of a registration."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schema.runs.ids import brought_hash
from tests.tasks.runs.conftest import House

GRAPH: dict[str, Any] = {"Nodes": [{"Hash": "start", "Type": "start"}, {"Hash": "end", "Type": "end"}], "Connections": []}


def bring(house: House, *operations: Any, name: str = "ada") -> str:
    beacon = house.register(name, operations=list(operations))
    house.flush()
    return beacon


def kept(house: House) -> dict[str, Any]:
    return {row.hash: row for row in house.rows("SELECT * FROM runs_operation")}


def document(house: House, hash: str) -> Any:
    (row,) = house.rows("SELECT r.document FROM runs_operation o JOIN runs_revision r ON r.id = o.revision_id WHERE o.hash = :hash", hash=hash)
    return row.document if isinstance(row.document, dict) else orjson.loads(row.document)


def test_what_a_beacon_brings_is_kept_once_and_can_be_run(house: House) -> None:
    sweep = {"Hash": "ada-sweep", "Name": "Sweep", "Graph": GRAPH}
    bring(house, sweep)
    bring(house, sweep)
    row = kept(house)["ada-sweep"]
    assert (row.source_beacon, row.revision, row.name) == ("ada", 1, "Sweep")
    assert house.status(house.start("ada-sweep")) == "Complete"


def test_another_one_is_the_next_revision(house: House) -> None:
    bring(house, {"Hash": "op", "Name": "One", "Graph": GRAPH})
    bring(house, {"Hash": "op", "Name": "Two", "Graph": GRAPH})
    assert (kept(house)["op"].revision, document(house, "op")["Name"]) == (2, "Two")


def test_nobody_changes_what_somebody_else_has_saved(house: House) -> None:
    house.save({"Hash": "ours", "Name": "Ours", "Graph": GRAPH})
    bring(house, {"Hash": "ada's", "Name": "no hash of ours"}, {"Hash": "adas", "Name": "Ada's", "Graph": GRAPH})
    bring(house, {"Hash": "ours", "Name": "Taken"}, {"Hash": "adas", "Name": "Taken"}, name="bob")
    assert {hash: row.name for hash, row in kept(house).items()} == {"ours": "Ours", "adas": "Ada's"}


def test_one_without_a_hash_gets_the_same_with_each_registration(house: House) -> None:
    for _ in range(2):
        bring(house, {"Name": "Nightly", "Graph": GRAPH})
    assert list(kept(house)) == [brought_hash("ada", {"Name": "Nightly"})]


BROKEN: list[dict[str, Any]] = [
    {},
    {"Hash": 7},
    {"Hash": "a b", "Name": "x"},
    {"Name": ["x"]},
    {"Hash": "x", "Graph": [1]},
    {"Hash": "x", "Graph": {"Nodes": 7}},
    {"Hash": "x", "Tags": 1},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_no_operation_is_left_out_and_the_beacon_serves(house: House, broken: dict[str, Any]) -> None:
    beacon = bring(house, broken, {"Hash": "good", "Graph": GRAPH})
    assert list(kept(house)) == ["good"]
    (hash,) = house.enqueue()
    assert house.inbox(beacon)[0]["WorkItemHash"] == hash
    house.done(house.complete(hash, beacon))
