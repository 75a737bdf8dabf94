"""`python -m beacon`: a beacon until it is told to stop.

Exit codes: 0 stopped as asked, 3 cannot start with these settings. A hub that is not there is waited for.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from queue import SimpleQueue
from threading import Thread

from beacon.program import Beacon
from beacon.providers.loading import load
from beacon.settings import SettingsError, read_settings

CANNOT_START = 3
_SIGNAL, _STOPPED = "signal", "stopped"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until SIGTERM or SIGINT; a second one ends the grace of running items."""
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments, os.environ)
        logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
        beacon = Beacon(settings, load(settings))
    except (SettingsError, OSError) as trouble:
        sys.stderr.write(f"beacon: {trouble}\n")
        return CANNOT_START
    _run(beacon)
    return 0


def _run(beacon: Beacon) -> None:
    # A SimpleQueue may be put into from a signal handler whatever the interrupted thread is doing; an Event may not.
    happenings: SimpleQueue[str] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: happenings.put(_SIGNAL))
    beacon.start()
    happenings.get()

    def stop() -> None:
        beacon.stop()
        happenings.put(_STOPPED)

    Thread(target=stop, name="stop").start()
    while happenings.get() == _SIGNAL:
        beacon.hurry()


if __name__ == "__main__":
    sys.exit(main())
