"""The work of a demo: the digest of every file of a folder, one item each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import orjson

from schema.errors import Unavailable
from schema.settings import Settings
from ultravisor import here

#: Folders without sources: made by tools, or somebody's data.
SKIPPED = {"node_modules", "var", "site", "build", "dist"}
CALLERS = 8
#: Seconds without any progress after which the demo gives up, and for which a hub that does not answer is asked again.
PATIENCE_SECONDS = 60.0
_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Item:
    """A work item of ours and the file it is about."""

    hash: str
    run: str
    file: Path


def files_in(folder: Path, count: int) -> list[Path]:
    """So many files of the folder and those below it, hidden and generated ones apart; again from the first when they run out.

    Raises Unavailable when there is none.
    """
    found = sorted(_files(folder))
    if not found:
        raise Unavailable(f"{folder} holds no files to work on")
    return list(islice(cycle(found), count))


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__")) and name not in SKIPPED]
        for name in names:
            file = Path(place, name)
            if not name.startswith(".") and file.is_file() and not file.is_symlink() and os.access(file, os.R_OK):
                yield file


def enqueue(settings: Settings, file: Path, beacon: str, run: str = "", key: str = "") -> Item:
    """Have the beacon compute a file's digest. Repeats itself until the hub has answered: the key makes that safe."""
    body = {
        "Capability": "FileSystem",
        "Action": "Hash",
        "Settings": {"Path": str(file), "Algorithm": "sha256"},
        "AffinityKey": beacon,
        "RequireAffinityMatch": True,
        "RunID": run or None,
        "SubmitterTag": "demo",
    }
    answer = insist(lambda: here.ask(settings, "/Beacon/Work/Enqueue", body, key=key or uuid4().hex))
    return Item(answer["WorkItemHash"], answer["RunID"], file)


def enqueue_all(settings: Settings, files: Sequence[Path], beacon: str, tick: Callable[[], None]) -> list[Item]:
    """One item for each file, all in one run, several callers at a time. `tick` is called while they work."""
    first = enqueue(settings, files[0], beacon)
    with ThreadPoolExecutor(CALLERS) as pool:
        others = [pool.submit(enqueue, settings, file, beacon, first.run) for file in files[1:]]
        while not all(future.done() for future in others):
            tick()
            sleep(_PAUSE)
    return [first, *(future.result() for future in others)]


def await_end(settings: Settings, total: int, before: int, tick: Callable[[int], None]) -> None:
    """Until the queue counts so many more ended items than before. Raises Unavailable when nothing has moved for long."""
    seen, moved = -1, monotonic()
    while (done := ended(settings) - before) < total:
        if done != seen:
            seen, moved = done, monotonic()
        if monotonic() - moved > PATIENCE_SECONDS:
            raise Unavailable(f"nothing moves: {done} of {total} items ended; `ultravisor doctor` looks for the reason")
        tick(done)
        sleep(_PAUSE)
    tick(done)


def ended(settings: Settings) -> int:
    """How many items have ended in this hub, well or not, as the queue's summary says."""
    summary = insist(lambda: here.ask(settings, "/Beacon/Queue?limit=1"))["Summary"]
    return int(summary["Completed"]) + int(summary["Errored"])


def insist(call: Callable[[], tuple[int, Any]]) -> Any:
    """What the hub answers, asked again while it cannot. Raises Unavailable when that takes too long, and for a refusal."""
    deadline = monotonic() + PATIENCE_SECONDS
    while True:
        try:
            status, answer = call()
        except OSError as trouble:
            status, answer = 503, str(trouble)
        if status < 400:
            return answer
        if status != 503 or monotonic() > deadline:
            raise Unavailable(f"the hub answered {status}: {answer if isinstance(answer, str) else orjson.dumps(answer).decode()}")
        sleep(_PAUSE)
