"""What no engine stores fails its node, with a clear word; a step that cannot be taken ends its run. Nothing stays for ever."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from schema.ledger.tables import dead_letter
from schema.runs.rules.run import Finished
from schema.runs.rules.storing import trouble_with
from tasks.runs import stepping
from tests.schema.runs.graphs import node, operation
from tests.tasks.runs.conftest import House
from tests.tasks.runs.test_runs import LINE, lab

HALF = "\\ud800"
FAULTS: list[tuple[str, str, dict[str, Any], str]] = [
    ("expression-solver", "In", {"Expression": "2 ** 100", "Destination": "Output.n"}, "Integer exceeds 64-bit range"),
    ("base64-decode", "Trigger", {"InputString": "AA=="}, "U+0000"),
    ("parameter-sweep", "BeginSweep", {"ParameterSets": f'["{HALF}"]'}, "surrogates"),
    ("launch-operation", "Launch", {"OperationHash": "op", "InputData": f'{{"a": "{HALF}"}}'}, "surrogates"),
    ("value-input", "RequestInput", {"OutputAddress": "Operation.x", "Options": f'["{HALF}"]'}, "surrogates"),
    ("beacon-dispatch", "Trigger", {"RemoteCapability": "Lab", "InputData": f'["{HALF}"]'}, ""),
    ("random-number", "Generate", {"Min": 1e300, "Max": 1e301}, "Integer exceeds 64-bit range"),
    ("set-values", "Execute", {"Mappings": f'[{{"To": "Operation.x", "Value": "{HALF}"}}]'}, "surrogates"),
]


def test_what_cannot_be_stored_fails_its_node_and_stops_nobody(house: House) -> None:
    for type, input, data, said in FAULTS:
        run = house.started(operation([node("a", type, **data)], [f"start.Out>a.{input}"]) | {"Hash": "op"})
        if said:
            assert house.status(run) == "Failed", type
            assert said in house.errors(run)[0], type
    assert not house.rows("SELECT id FROM ledger_dead_letter")


@pytest.mark.parametrize("value", [{"a": [1, None, "x", 2.5, True]}, "\\u0000 in words", float("nan")])
def test_what_can_be_stored_is_no_trouble(value: Any) -> None:
    assert trouble_with(value) == ""


def test_parameters_beyond_the_limit_end_the_run_at_once(lite: House) -> None:
    lab(lite)
    run = lite.started(LINE, parameters={"big": "x" * 9_000_000})
    assert lite.status(run) == "Error"
    assert "8388608 bytes" in lite.errors(run)[0]


def test_a_run_whose_step_is_buried_ends_and_says_so(lite: House, monkeypatch: pytest.MonkeyPatch) -> None:
    beacon = lab(lite)
    run = lite.started(LINE)
    real = stepping.advance

    def broken(plan: Any, catalog: Any, before: Any, happening: Any, now: Any) -> Any:
        if isinstance(happening, Finished):
            raise RuntimeError("a mistake of ours")
        return real(plan, catalog, before, happening, now)

    monkeypatch.setattr(stepping, "advance", broken)
    lite.done(lite.complete(lite.inbox(beacon)[0]["WorkItemHash"], beacon, 1))
    assert len(lite.rows("SELECT id FROM ledger_dead_letter")) == 1
    assert lite.status(run) == "Error"
    assert lite.errors(run) == ["runs.node_finished lies among the dead letters"]
    with lite.kernel.engine.begin() as connection:
        connection.execute(sa.delete(dead_letter))
