"""Operations and runs of the browser's tests: kept and begun as any client does it."""

from __future__ import annotations

from typing import Any

from tests.browser.hub import Hub
from tests.services.processes import eventually


def keep(hub: Hub, document: dict[str, Any], **more: Any) -> str:
    """The hash of an operation that is stored from now on."""
    return str(hub.client.post("/Operation", json={**document, **more}).raise_for_status().json()["Hash"])


def from_library(hub: Hub, name: str, **more: Any) -> str:
    """The hash of an operation of the library, stored."""
    return keep(hub, hub.client.get(f"/OperationLibrary/{name}.json").raise_for_status().json(), **more)


def begin(hub: Hub, operation: str, **parameters: Any) -> str:
    """The hash of a new run."""
    answer = hub.client.post(f"/Operation/{operation}/Execute/Async", json={"Parameters": parameters})
    return str(answer.raise_for_status().json()["RunHash"])


def status(hub: Hub, run: str) -> str:
    return str(hub.rows("SELECT status FROM runs_run WHERE run_hash = ?", run)[0]["status"])


def comes_to(hub: Hub, run: str, wanted: str) -> None:
    """Wait until the run's row says so."""
    eventually(lambda: status(hub, run) == wanted, describe=f"{run} to be {wanted}", within=60)
