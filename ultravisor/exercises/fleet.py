"""The beacons of an exercise: real ones, that pretend to work; those that the hub has already are not started again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

import orjson

from schema.errors import Unavailable
from schema.settings import Settings
from ultravisor import here
from ultravisor.demo.processes import Companion, await_ready

#: What beacons get to join, as the lab waits: 30 looks, half a second each.
JOIN_SECONDS = 15.0
#: On a machine that is busy, python alone may take as long.
START_SECONDS = 45.0
_PAUSE = 0.25


@contextmanager
def fleet(settings: Settings, members: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    """So many beacons of ours, which leave at the end."""
    await_ready(settings, None)
    known = online(settings)
    missing = [member for member in members if member["Name"] not in known]
    if not missing:
        yield 0
        return
    with TemporaryDirectory(prefix="ultravisor-fleet-") as place:
        file = Path(place) / "fleet.json"
        file.write_bytes(orjson.dumps([flags(member, here.url(settings.address)) for member in missing]))
        companion = Companion("fleet", ["beacon.fleet", str(file)], os.environ, Path(place) / "fleet.log")
        try:
            _await(settings, {str(member["Name"]) for member in members}, companion)
            yield len(missing)
        finally:
            companion.end()


def flags(member: Mapping[str, Any], url: str) -> list[str]:
    """What `python -m beacon` would be called with."""
    found = ["--server", url, "--name", member["Name"], "--provider", "Synthetic", "--synthetic-capability", member["Capability"]]
    found += [word for action in member["Actions"] for word in ("--synthetic-action", action)]
    found += ["--synthetic-duration-ms", str(member["DefaultDurationMs"]), "--max-concurrent", str(member["MaxConcurrent"])]
    found += ["--tag", "role=synthetic", "--tag", f"capability={member['Capability']}"]
    # A beacon that polls asks each 750 ms and is answered at once.
    return [*found, "--transport", "http", "--poll-wait-ms", "0"] if member.get("RunMode") == "poll" else found


def online(settings: Settings) -> set[str]:
    """The names of the beacons that the hub counts on."""
    try:
        status, rows = here.ask(settings, "/Beacon?limit=1000")
    except OSError as trouble:
        raise Unavailable(f"the hub at {settings.address} does not answer: {trouble}") from trouble
    if status != 200:
        raise Unavailable(f"the hub answered {status} when it was asked for its beacons")
    return {str(row["Name"]) for row in rows if row["Status"] in ("Online", "Busy")}


def _await(settings: Settings, names: set[str], companion: Companion) -> None:
    deadline = monotonic() + START_SECONDS + JOIN_SECONDS
    while lacking := names - online(settings):
        companion.check()
        if monotonic() > deadline:
            raise Unavailable(f"no word of the beacons {', '.join(sorted(lacking))}")
        sleep(_PAUSE)
