"""A hub with a worker, and short words for what beacons and clients do to it over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.reading import recorded
from schema.ledger.tables import outbox
from tests.app.worker import Worker
from tests.services.processes import eventually


@dataclass
class Front:
    """The hub's own routes."""

    client: FlaskClient
    worker: Worker

    def get(self, path: str, status: int = 200, budget: int | None = None) -> Any:
        """The answer, once all events of what was done are sent: answers come before events."""
        eventually(lambda: self.worker.count(outbox) == 0)
        with recorded() as statements:
            response = self.client.get(path)
        assert response.status_code == status, response.text
        assert budget is None or len(statements) <= budget, statements
        return response.json

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        response = self.client.post(path, json=body)
        assert response.status_code == status, response.text
        return response.json

    def register(self, name: str = "ada", capabilities: tuple[str, ...] = ("Shell",), slots: int = 1, **more: Any) -> str:
        return str(self.post("/Beacon/Register", Name=name, Capabilities=list(capabilities), MaxConcurrent=slots, **more)["BeaconID"])

    def enqueue(self, count: int = 1, **more: Any) -> list[str]:
        return [str(self.post("/Beacon/Work/Enqueue", **({"Capability": "Shell"} | more))["WorkItemHash"]) for _ in range(count)]

    def complete(self, hash: str) -> None:
        self.post(f"/Beacon/Work/{hash}/Complete", Outputs={"ok": 1})

    def fail(self, hash: str) -> None:
        self.post(f"/Beacon/Work/{hash}/Error", ErrorMessage="bad")

    def why(self, hash: str) -> list[str]:
        """The codes of the facts, those that block with a mark."""
        return [("!" if fact["Blocks"] else "") + fact["Code"] for fact in self.get(f"/Beacon/Work/{hash}/Why", budget=8)["Facts"]]


@pytest.fixture
def front(app: Flask, client: FlaskClient, worker: Worker) -> Front:
    app.extensions["reader"].require()  # what it asks of the schema is asked once, and in nobody's budget
    return Front(client, worker)
