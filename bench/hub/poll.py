"""Items for a beacon that polls over HTTP: whether each one comes, and how long after it was submitted."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection
from queue import Queue
from random import Random
from time import perf_counter, sleep
from typing import Any

import orjson

from bench import bulk, load
from bench.figures import Row, at_most, percentile, plain
from bench.hub import enqueue, through
from bench.rig import Rig, rig
from schema.settings import split_address

#: Polls under way at once.
HANDS = 2


@dataclass(slots=True)
class Beacon:
    """One that polls with `HANDS` connections, each of which carries out what it gets. `begun` is when each item was in hand."""

    hub: Rig
    id: str = ""
    begun: Queue[tuple[str, float]] = field(default_factory=Queue)
    stopped: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Beacon:
        said = {"Name": "poller", "Capabilities": [bulk.CAPABILITY], "MaxConcurrent": HANDS}
        self.id = ask(HTTPConnection(*split_address(self.hub.settings.address)), "/Beacon/Register", said)["BeaconID"]
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(HANDS)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _work(self) -> None:
        line = HTTPConnection(*split_address(self.hub.settings.address))
        while not self.stopped.is_set():
            item = ask(line, "/Beacon/Work/Poll", {"BeaconID": self.id, "waitMs": 1_000})["WorkItem"]
            if item is not None:
                self.begun.put((item["WorkItemHash"], perf_counter()))
                done = {"Outputs": {"Result": "ok"}, "BeaconID": self.id, "AttemptNumber": item["AttemptNumber"]}
                ask(line, f"/Beacon/Work/{item['WorkItemHash']}/Complete", done)
        line.close()


def measure(quick: bool) -> list[Row]:
    """Single items some time apart; then a backlog."""
    singles, many = (10, 50) if quick else (300, 2_000)
    with rig("worker", "beat", "web") as hub, Beacon(hub) as beacon:
        times = _singles(hub, beacon, singles)
        engine = hub.engine()
        began = perf_counter()
        load.drive(hub, enqueue.PATH, enqueue.batch(50), connections=1, most=many // 50)
        come = {beacon.begun.get(timeout=60)[0] for _ in range(many)}
        rate = many / (perf_counter() - began)
        while through.in_state(engine, "Complete") < singles + many:
            sleep(0.01)
        engine.dispose()
    share = (len(times) + len(come)) / (singles + many)
    return [
        Row("poll: items that came, of those submitted", "1", f"{share:.4g} of {singles + many:,}", held=share == 1),
        at_most("poll: from submission until the item is in hand, p95", 60, percentile(times, 0.95), "ms"),
        plain("poll: the same, p50", f"{percentile(times, 0.5):.3g} ms"),
        plain(f"poll: a backlog, by {HANDS} connections that poll and report in turn", f"{rate:,.0f} items/s"),
    ]


def _singles(hub: Rig, beacon: Beacon, count: int) -> list[float]:
    """Milliseconds of each item, from before its request to the moment in which the beacon has it."""
    line, random = HTTPConnection(*split_address(hub.settings.address)), Random(1)
    body = {"Capability": bulk.CAPABILITY, "Action": bulk.ACTION, "Settings": {}}
    times = []
    for _ in range(count):
        sleep(random.uniform(0.01, 0.05))
        asked = perf_counter()
        hash = ask(line, "/Beacon/Work/Enqueue", body)["WorkItemHash"]
        found, at = beacon.begun.get(timeout=60)
        if found != hash:
            raise RuntimeError(f"{found} came, {hash} was next")
        times.append((at - asked) * 1000)
    line.close()
    return times


def ask(line: HTTPConnection, path: str, body: dict[str, Any]) -> Any:
    """The answer to a POST. Raises RuntimeError for all but 200."""
    line.request("POST", path, orjson.dumps(body), {"Content-Type": "application/json"})
    answer = line.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} gave {answer.status}: {said!r}")
    return orjson.loads(said)
