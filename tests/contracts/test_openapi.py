"""Requests made from the OpenAPI document, good ones and bad ones, against the real server: nothing is answered that the document does not say.

What is sent is derived from the document and the same in each run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from tests.app.sockets.conftest import Web

#: Requests in all for one mode, by engine; each operation gets its share, and two at least.
REQUESTS = {"sqlite": 900, "postgresql": 300}
#: Answers of the class 5xx that are true: nobody can do it, it failed, it has not ended. The hub itself is well.
TRUE_5XX = frozenset({"no_beacon", "work_failed", "wait_over"})
#: Streams do not end; connections to databases are served by workers of their own, and a fuzzer must not knock at other people's doors.
ELSEWHERE = re.compile(r"/api/events|/beacon/.*|/1\.0/\{slug\}.*")
#: What would only make an answer wait.
PATIENCE = {"waitMs": 0, "TimeoutMs": 1}


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request: pytest.FixtureRequest, environment: dict[str, str]) -> dict[str, str]:
    """The engines disagree about what a text or a number may be."""
    chosen = {} if request.param == "sqlite" else {"DATABASE_URL": request.getfixturevalue("postgresql_url")}
    return environment | chosen


def quickly(examples: int) -> settings:
    everything = list(HealthCheck)
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=everything)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: str(mode.value))
def test_every_operation_answers_as_documented_and_never_breaks(mode: GenerationMode, web: Web) -> None:
    asked, chosen = Asked(web, things(web)), list(operations(web.ask("GET", "/api/openapi.json")[1]))
    pace = quickly(max(2, REQUESTS[web.worker.kernel.engine.dialect.name] // len(chosen)))
    for operation in chosen:
        with suppress(Unsatisfiable):  # where nothing is asked for, nothing can be wrong
            pace(given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())(asked.about(operation)))()
    assert asked.wrong == [], "\n".join([*asked.wrong, *(line for line in web.process.output.splitlines() if "request_failed" in line)])
    assert web.ask("GET", "/readyz")[0] == 200
    assert not [line for line in web.process.output.splitlines() if "request_failed" in line]
    # A fuzzer that is turned away at the door proves nothing.
    assert asked.answered.keys() >= ({200, 404, 409} if mode is GenerationMode.POSITIVE else {200, 400, 422}), asked.answered


class Asked:
    """What was asked, and what was wrong with the answers."""

    def __init__(self, web: Web, things: dict[str, str]) -> None:
        self._address = f"http://127.0.0.1:{web.port}"
        self._things = things
        self._line = requests.Session()
        self.answered: Counter[int] = Counter()
        self.wrong: list[str] = []

    def about(self, operation: schemathesis.APIOperation) -> Callable[[Case, bool], None]:
        documented = {status for status in operation.definition.raw["responses"] if status != "default"}

        def ask(case: Case, real: bool) -> None:
            self._ask(documented, case, real)

        return ask

    def _ask(self, documented: set[str], case: Case, real: bool) -> None:
        if real:
            case.path_parameters = {name: self._things.get(name, value) for name, value in (case.path_parameters or {}).items()}
        hasten(case)
        response = case.call(base_url=self._address, session=self._line)
        self.answered[response.status_code] += 1
        if fault := fault_of(response, documented):
            self.wrong.append(f"{case.method} {case.formatted_path} {case.query} {case.body}: {fault}")


def operations(document: dict[str, Any]) -> Iterator[Any]:
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        if not ELSEWHERE.fullmatch(operation.path):
            yield operation


def things(web: Web) -> dict[str, str]:
    """Things that are there, so that not every address leads to nothing: by the name that a path has for them."""
    beacon = web.ask("POST", "/Beacon/Register", {"Name": "Fuzzed", "Capabilities": ["Fuzz"]})[1]["BeaconID"]
    run = web.ask("POST", "/Beacon/Run/Start", {})[1]["RunID"]
    item = web.enqueue(Capability="Fuzz", RunID=run)
    return {"beacon_id": beacon, "work_item_hash": item, "run_id": run, "capability": "Fuzz"}


def hasten(case: Case) -> None:
    for part in (case.query, case.body):
        if isinstance(part, dict):
            part.update({name: value for name, value in PATIENCE.items() if name in part})
    if case.path.endswith("/Dispatch") and isinstance(case.body, dict):
        case.body["TimeoutMs"] = PATIENCE["TimeoutMs"]


def fault_of(response: schemathesis.Response, documented: set[str]) -> str:
    """What is wrong with an answer; empty when it is as it should be."""
    status = response.status_code
    if str(status) not in documented:
        return f"{status} is not documented"
    if "application/json" not in (response.headers.get("content-type") or [""])[0] and status < 300:
        return ""
    body = response.json()
    if status >= 400 and not {"Error", "Code", "RequestID"} <= body.keys():
        return f"{status} without the error body: {body}"
    return f"{status}: {body}" if status >= 500 and body["Code"] not in TRUE_5XX else ""
