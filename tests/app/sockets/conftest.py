"""The real server, with clients."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from schema.hub.tables import work_item
from tasks.hub.presence import presence
from tests.app.sockets.client import Client
from tests.app.worker import Worker
from tests.architecture.house import ROOT
from tests.services.processes import PATIENCE, Process, free_port


@dataclass
class Web:
    """A web process, and ways to talk to it."""

    process: Process
    port: int
    worker: Worker
    clients: list[Client] = field(default_factory=list)

    def client(self, path: str = "/", **options: Any) -> Client:
        self.clients.append(Client(self.port, path, **options))
        return self.clients[-1]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        status, answer, _ = self.ask_whole(method, path, body, **headers)
        return status, answer

    def ask_whole(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        line = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        data = None if body is None else orjson.dumps(body)
        line.request(method, path, data, {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}})
        response = line.getresponse()
        answer = orjson.loads(response.read())
        line.close()
        return response.status, answer, {name.lower(): value for name, value in response.getheaders()}

    def enqueue(self, **fields: Any) -> str:
        status, answer = self.ask("POST", "/Beacon/Work/Enqueue", {"Capability": "Shell", "Action": "Execute", **fields})
        assert status == 200, answer
        return str(answer["WorkItemHash"])

    def item(self, hash: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/Beacon/Work/{hash}")[1])

    def round(self) -> None:
        """What beat would cause: a look at presence, and its consequences."""
        presence(self.worker.kernel)
        self.worker.flush()


@pytest.fixture
def start_web(environment: dict[str, str], worker: Worker, launch: Callable[..., Process]) -> Iterator[Callable[..., Web]]:
    started: list[Web] = []

    def start(**settings: str) -> Web:
        port = free_port()
        chosen = {**environment, "UV_ADDRESS": f"127.0.0.1:{port}", "UV_WEB_WORKERS": "1", "UV_LOG_LEVEL": "INFO", **settings}
        process = launch(sys.executable, "-m", "gunicorn", "-c", "ultravisor/gunicorn.py", env=chosen, cwd=ROOT, ready="Booting worker")
        started.append(Web(process, port, worker))
        return started[-1]

    yield start
    for web in started:
        for client in web.clients:
            client.cut()


@pytest.fixture
def web(start_web: Callable[..., Web]) -> Web:
    return start_web()


def status_of(worker: Worker, hash: str) -> str:
    """An item's state, from its row."""
    with worker.kernel.engine.connect() as connection:
        return str(connection.scalar(sa.select(work_item.c.status).where(work_item.c.work_item_hash == hash)))
