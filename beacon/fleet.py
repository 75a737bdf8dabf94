"""`python -m beacon.fleet FILE`: several beacons in one process, for fleets that pretend to work. FILE is a JSON list of lists of flags.

Each is a beacon of its own, as `python -m beacon` with these flags would be. Exit codes: 0 stopped as asked, 3 cannot start with these settings.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from beacon.program import Beacon
from beacon.providers.loading import load
from beacon.settings import SettingsError, read_settings

CANNOT_START = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until SIGTERM or SIGINT."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        beacons = members(Path(given[0]).read_text()) if len(given) == 1 else _wrong("one file is needed")
    except (SettingsError, OSError, ValueError) as trouble:
        sys.stderr.write(f"fleet: {trouble}\n")
        return CANNOT_START
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    # A SimpleQueue may be put into from a signal handler whatever the interrupted thread is doing.
    stop: SimpleQueue[None] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.put(None))
    for beacon in beacons:
        beacon.start()
    stop.get()
    _stop(beacons)
    return 0


def members(text: str) -> list[Beacon]:
    """The beacons of a file. Raises SettingsError, and ValueError for what is no list of lists of flags."""
    found = json.loads(text)
    if not (isinstance(found, list) and found and all(isinstance(flags, list) and all(isinstance(flag, str) for flag in flags) for flags in found)):
        _wrong("the file must hold a JSON list of lists of flags")
    settings = [read_settings(flags, os.environ) for flags in found]
    if len({each.name for each in settings}) < len(settings):
        _wrong("two beacons have one name, which would make them one beacon")
    return [Beacon(each, load(each)) for each in settings]


def _wrong(text: str) -> list[Beacon]:
    raise SettingsError(text)


def _stop(beacons: Sequence[Beacon]) -> None:
    """All at once: each takes its grace."""
    threads = [Thread(target=beacon.stop, name="stop") for beacon in beacons]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
