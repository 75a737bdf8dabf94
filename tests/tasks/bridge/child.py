"""A databeacon's process that a test may kill: brings what has changed, and ends. Settings come from the environment; argument: the reader."""

from __future__ import annotations

import os
import sys

from schema.settings import Settings
from tasks import flushing, unit
from tasks.kernel import Kernel, broker
from tasks.worker import VERBS


def main(reader: str) -> None:
    settings = Settings.read(os.environ)
    kernel = Kernel(settings, unit.connect(settings.database_url), broker(settings.redis_url), VERBS, lambda group, delay: None)
    flushing.flush(kernel, reader, f"child {os.getpid()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
