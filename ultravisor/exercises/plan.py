"""What an exercise asks for: read from its file, at any scale of time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson

from schema.errors import UltravisorError

_HERE = Path(__file__).parent
_LIBRARY = Path(__file__).parents[2] / "schema" / "runs" / "library"
_OVERRIDE = re.compile(r"(?P<node>.+?)(?P<setting>DurationMs|JitterMs|FailRate|LogLines|OutputBytes)", re.IGNORECASE)
_SETTINGS = {name.lower(): name for name in ("DurationMs", "JitterMs", "FailRate", "LogLines", "OutputBytes")}
#: What a hub takes for itself does not shrink with the scale: limits grow by this where a scale makes them small, in seconds.
SLACK_SECONDS = 20.0


class NoSuchExercise(UltravisorError):
    """There is no exercise of that name."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """The file of an exercise, and the scale at which it is done."""

    document: Mapping[str, Any]
    scale: float = 1.0
    slack_seconds: float = SLACK_SECONDS

    @property
    def hash(self) -> str:
        return str(self.document["Hash"])

    @property
    def of_operations(self) -> bool:
        """Whether it begins runs of operations; else it enqueues items itself."""
        return "Kicks" in self.document

    @property
    def ideal_seconds(self) -> float:
        """From the first kick to the last end, for a hub that takes no time for itself."""
        return float(self.document["IdealDrainSeconds"]) * self.scale

    def limit(self, name: str) -> float | None:
        """A limit of the assertions in seconds, None where there is none."""
        seconds = self.document["Assertions"].get(name)
        return None if seconds is None else seconds * self.scale + self.slack_seconds * max(0.0, 1 - self.scale)

    @property
    def patience_seconds(self) -> float:
        """After this it is given up."""
        longest = self.limit("MaxOperationDurationSeconds") if self.of_operations else self.limit("MaxDrainSeconds")
        return (longest or 120.0) + 15.0


@dataclass(frozen=True, slots=True)
class Kick:
    """One thing to begin, so many seconds after the beginning: a run of an operation, or a work item."""

    at: float
    body: Mapping[str, Any]
    #: Whether its settings were bent, so that it may fail.
    bent: bool = False


def names() -> list[str]:
    """Every exercise there is."""
    return sorted(path.stem for path in (_HERE / "data").glob("*.json"))


def exercise(name: str, scale: float = 1.0, slack_seconds: float = SLACK_SECONDS) -> Exercise:
    """The exercise. Raises NoSuchExercise."""
    if name not in names():
        raise NoSuchExercise(f"There is no exercise {name}; there are {', '.join(names())}.")
    return Exercise(orjson.loads((_HERE / "data" / f"{name}.json").read_bytes()), scale, slack_seconds)


def fleet_of(of: Exercise) -> list[dict[str, Any]]:
    """The beacons that it needs."""
    found: list[dict[str, Any]] = orjson.loads((_HERE / "fleet.json").read_bytes()) if of.of_operations else list(of.document["Beacons"])
    return found


def operations_of(of: Exercise, mark: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The operations that it begins, by the hash of the library and the override: as clones of their own where something about them changes."""
    made: dict[tuple[str, str], dict[str, Any]] = {}
    for kicks in of.document["Kicks"]:
        override = kicks.get("Override") or {}
        key = (kicks["OperationHash"], orjson.dumps(override).decode())
        if key not in made:
            document = orjson.loads((_LIBRARY / f"{kicks['OperationHash']}.json").read_bytes())
            made[key] = _changed(document, override, of.scale)
            if override or of.scale != 1:
                made[key]["Hash"] = f"{document['Hash']}.{mark}.{len(made)}"
    return made


def _changed(document: Mapping[str, Any], override: Mapping[str, Any], scale: float) -> dict[str, Any]:
    changed = deepcopy(dict(document))
    for node in changed["Graph"]["Nodes"]:
        data = node["Data"]
        for name, value in override.items():
            found = _OVERRIDE.fullmatch(name)
            if found and node["Hash"].lower().startswith(found["node"].lower()):
                data[_SETTINGS[found["setting"].lower()]] = value
        if "DurationMs" in data:
            data["DurationMs"] *= scale
    return changed


def kicks_of(of: Exercise, hashes: Mapping[tuple[str, str], str]) -> list[Kick]:
    """The runs to begin, in the order of time; `hashes` names the operations as the hub has them."""
    found = []
    for kicks in of.document["Kicks"]:
        override = kicks.get("Override") or {}
        body = {"OperationHash": hashes[kicks["OperationHash"], orjson.dumps(override).decode()]}
        for number in range(kicks["Count"]):
            at = (kicks["EnqueueAtMs"] + number * kicks.get("EnqueueIntervalMs", 0)) * of.scale / 1000
            found.append(Kick(at, body, bool(override)))
    return sorted(found, key=lambda kick: kick.at)


def items_of(of: Exercise) -> list[Kick]:
    """The work items to enqueue, in the order of time: all at once, or in turn from each line of the workload."""
    lines = [[_item(entry, of.scale) for _ in range(entry["Count"])] for entry in of.document["Workload"]]
    cadence = of.document["Cadence"]
    step = cadence.get("EnqueueIntervalMs", 50) * of.scale / 1000 if cadence["Strategy"] == "interleave" else 0.0
    turns: list[dict[str, Any]] = []
    for line in cycle(lines):
        if not any(lines):
            break
        if line:
            turns.append(line.pop(0))
    return [Kick(number * step, body) for number, body in enumerate(turns)]


def _item(entry: Mapping[str, Any], scale: float) -> dict[str, Any]:
    settings = {**entry["Settings"], "DurationMs": entry["Settings"]["DurationMs"] * scale}
    return {"Capability": entry["Capability"], "Action": entry["Action"], "Settings": settings}
