"""Load on a hub from a driver in a process of its own, and what everybody's processor had to do with it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import orjson

from bench.figures import Row, median, percentile, plain
from bench.rig import Rig
from schema.settings import split_address

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the driver."""

    seconds: float
    #: Milliseconds of each answer, in the order of their coming, and the second at which each came.
    times: list[float]
    at: list[float]
    #: Milliseconds of processor time for each answer, by service, the driver among them.
    cost: dict[str, float]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.times) / self.seconds

    @property
    def driver(self) -> float:
        """How much of one core the driver itself has used."""
        return self.cost["driver"] / 1000 * self.rate

    def time(self, share: float) -> float:
        """A percentile of the answers' milliseconds."""
        return percentile(self.times, share)


def drive(hub: Rig, path: str, body: bytes, *, connections: int = CONNECTIONS, seconds: float = 60.0, most: int | None = None) -> Run:
    """Post for so many seconds, or so many times. Raises RuntimeError unless every answer was a 200."""
    host, port = split_address(hub.settings.address)
    command = [sys.executable, "-m", "bench.driver", host, str(port), path, str(connections), str(seconds), *([] if most is None else [str(most)])]
    before = hub.processor_seconds()
    said = orjson.loads(subprocess.run(command, input=body, stdout=subprocess.PIPE, check=True).stdout)
    after = hub.processor_seconds() | {"driver": said["processor"]}
    if set(said["statuses"]) != {"200"}:
        raise RuntimeError(f"not only 200: {said['statuses']}")
    cost = {name: (after[name] - before.get(name, 0.0)) * 1000 / len(said["times"]) for name in after}
    return Run(said["seconds"], said["times"], said["at"], cost)


def costs(what: str, runs: list[Run], each: int = 1) -> Row:
    """Where the processor's time goes, and how much of a core the driver takes away; each answer may stand for many items."""
    names = [name for name in runs[0].cost if median([run.cost[name] for run in runs]) / each >= 0.005]
    words = ", ".join(f"{name} {median([run.cost[name] for run in runs]) / each:.2f}" for name in names)
    return plain(f"{what}: processor time of one, in ms", f"{words}; the driver took {median([run.driver for run in runs]):.2f} cores")
