"""A hub of real processes, each of which a test can stop, and a door for looking at its rows."""

from __future__ import annotations

import os
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from honcho.environ import parse_procfile

from schema.ledger.tables import dead_letter
from tasks import unit
from tasks.kernel import clock, new_id
from tests.architecture.house import ROOT
from tests.services.broker import RedisServer
from tests.services.processes import Process, eventually, free_port

#: What an operator's own environment might bring along.
NONE_OF_OURS = {"BROKER_URL": "", "DATABASE_URL": "", "DATABASE_READ_URL": "", "UV_HOSTS": ""}


class Hub:
    """Redis, and the Procfile's web, worker and beat, on a folder and ports of their own."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        (folder / "redis").mkdir()
        self.redis = RedisServer(folder / "redis")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.client = httpx.Client(base_url=self.url, timeout=20)
        self.environment = NONE_OF_OURS | {
            "UV_DATA": str(self.data),
            "UV_ADDRESS": self.url.removeprefix("http://"),
            "UV_HUB": "northwind",
            "UV_SECRET_KEY": "only for tests",
            "UV_WEB_WORKERS": "1",
            "UV_WORKER_PROCESSES": "1",
            "UV_GATEWAY_PROCESSES": "1",
            "REDIS_URL": self.redis.url,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
        }
        lines = parse_procfile((ROOT / "Procfile").read_text()).processes
        self.web, self.worker, self.beat = (self._service(lines[name]) for name in ("web", "worker", "beat"))
        #: Serves foreign databases; not started before a test wants it.
        self.gateway = self._service(lines["gateway"])

    def _service(self, line: str) -> Process:
        return Process("sh", "-c", f"exec {line}", env=self.environment, cwd=ROOT)

    def start(self) -> Hub:
        for process in (self.web, self.worker, self.beat):
            process.start()
        self.answers("/readyz")
        return self

    def answers(self, path: str) -> Any:
        """What the hub answers there, once it does."""
        return eventually(lambda: self._get(path), describe=path, within=120)[0]

    def _get(self, path: str) -> Any:
        try:
            response = self.client.get(path)
        except httpx.HTTPError:
            return None
        return [response.json()] if response.is_success else None

    def enqueue(self, capability: str, action: str = "Execute", **settings: Any) -> str:
        """The hash of a new item."""
        body = {"Capability": capability, "Action": action, "Settings": settings}
        response = self.client.post("/Beacon/Work/Enqueue", json=body)
        return str(response.raise_for_status().json()["WorkItemHash"])

    def enqueue_many(self, count: int, capability: str, action: str, **settings: Any) -> None:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: self.enqueue(capability, action, **settings), range(count)))

    def ended(self, work_item_hash: str) -> str:
        """The final state of an item, once it has one."""
        final = "SELECT status FROM hub_work_item WHERE work_item_hash = ? AND status IN ('Complete', 'Error', 'Canceled')"
        return str(eventually(lambda: self.rows(final, work_item_hash), describe=f"the end of {work_item_hash}")[0]["status"])

    def rows(self, question: str, *values: Any) -> list[dict[str, Any]]:
        """Rows, read from the file by nothing of ours."""
        with sqlite3.connect(f"file:{self.data / 'ultravisor.db'}?mode=ro", uri=True) as connection:
            connection.row_factory = sqlite3.Row
            found = [dict(row) for row in connection.execute(question, values)]
        connection.close()
        return found

    def register(self, name: str, capability: str, **more: Any) -> str:
        """The id of a beacon that is a client of this test."""
        body = {"Name": name, "Capabilities": [capability], "MaxConcurrent": 1, "HeartbeatIntervalMs": 600_000, **more}
        return str(self.client.post("/Beacon/Register", json=body).raise_for_status().json()["BeaconID"])

    def finish(self, work_item_hash: str) -> None:
        """Have a beacon of this test do the item."""
        capability = self.client.get(f"/Beacon/Work/{work_item_hash}").json()["Capability"]
        beacon = self.register("finisher", capability, MaxConcurrent=100)
        self.client.post(f"/Beacon/Work/{work_item_hash}/Complete", json={"BeaconID": beacon, "Outputs": {}}).raise_for_status()
        self.client.delete(f"/Beacon/{beacon}").raise_for_status()

    def superseded(self, capability: str) -> str:
        """The hash of an item that one beacon lost, another one holds, and of which the first one reported late."""
        hash = self.enqueue(capability)
        slow = self.register("slow", capability)
        self.client.delete(f"/Beacon/{slow}").raise_for_status()
        quick = self.register("quick", capability)
        late = {"BeaconID": slow, "AttemptNumber": 1, "Outputs": {"Said": "too late"}}
        assert self.client.post(f"/Beacon/Work/{hash}/Complete", json=late).status_code == 409
        self.client.post(f"/Beacon/Work/{hash}/Complete", json={"BeaconID": quick, "AttemptNumber": 2}).raise_for_status()
        self.client.delete(f"/Beacon/{quick}").raise_for_status()
        return hash

    def sampled(self) -> None:
        """Wait until the queue's standing was written down."""
        eventually(lambda: self.rows("SELECT 1 FROM hub_sample"), describe="a sample", within=30)

    def bury(self, command: str, envelope: str) -> str:
        """The id of a dead letter, laid there by hand as a flush would have."""
        row = {"id": new_id(), "lane": "hub/northwind", "command": command, "actor": "anonymous", "error": "KeyError: 'hub'"}
        more = {"traceback": "Traceback of the test", "tries": 5, "envelope": envelope, "died_at": clock()}
        engine = unit.connect(f"sqlite:///{self.data / 'ultravisor.db'}")
        with engine.begin() as connection:
            connection.execute(sa.insert(dead_letter), row | more)
        engine.dispose()
        return row["id"]

    def beacon(self, name: str, *flags: str) -> Process:
        """A beacon, not started."""
        command = [sys.executable, "-m", "beacon", "--server", self.url, "--name", name, "--heartbeat-seconds", "2", *flags]
        return Process(*command, env=self.environment, cwd=ROOT, ready="registered")

    def dismiss_beacons(self) -> None:
        """Those that could not take their leave of the hub."""
        for beacon in self.answers("/Beacon"):
            self.client.delete(f"/Beacon/{beacon['BeaconID']}")

    def close(self) -> None:
        self.client.close()
        for process in (self.gateway, self.beat, self.worker, self.web):
            process.kill()
        self.redis.close()
