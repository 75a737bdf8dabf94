"""The processes of a demo: a hub, unless one runs already, and a beacon."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from time import monotonic, sleep

from schema.errors import Unavailable
from schema.settings import Settings
from ultravisor import here
from ultravisor.runtime import folder
from ultravisor.runtime.places import PROJECT
from ultravisor.runtime.tether import tethered

READY_SECONDS = 60.0
#: `ultravisor up` needs at most 10, a beacon with nothing in its hands none.
END_SECONDS = 15.0
_PAUSE = 0.1


class Companion:
    """A process beside the demo, which ends with it. What it says goes to a file."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                tethered([sys.executable, "-m", *command]),
                cwd=PROJECT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raises Unavailable when it has ended, with its last words."""
        if self._process.poll() is not None:
            words = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise Unavailable(f"the {self.name} ended with code {self._process.returncode}:\n{words}")

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def hub(given: Settings, environment: Mapping[str, str]) -> Iterator[tuple[Settings, bool]]:
    """A hub to work with: the one that runs on the data folder, or one of our own, on a temporary folder where none was chosen.

    Yields its settings, and whether it is our own. A temporary folder stays: its database is what the demo is about.
    """
    if folder.holder(Path(given.data)) is not None:
        await_ready(given, None)
        yield given, False
        return
    settings = _own(given, environment)
    chosen = {"UV_DATA": settings.data, "UV_ADDRESS": settings.address}
    Path(settings.data).mkdir(mode=0o700, parents=True, exist_ok=True)
    up = Companion("hub", ["ultravisor.main", "up"], {**environment, **chosen}, Path(settings.data) / "demo.log")
    try:
        await_ready(settings, up)
        yield settings, True
    finally:
        up.end()


@contextmanager
def beacon(settings: Settings, name: str, allowed: Path) -> Iterator[Companion]:
    """A beacon that may read one folder."""
    command = ["beacon", "--server", here.url(settings.address), "--name", name, "--provider", "FileSystem", "--allow", str(allowed)]
    with TemporaryDirectory(prefix="ultravisor-demo-") as place:
        companion = Companion("beacon", [*command, "--max-concurrent", "8"], os.environ, Path(place) / "beacon.log")
        try:
            yield companion
        finally:
            companion.end()


def _own(given: Settings, environment: Mapping[str, str]) -> Settings:
    """Settings of a hub of our own: what was chosen holds, what was not gets out of the way of others."""
    changed = dict(environment)
    if not environment.get("UV_DATA"):
        changed["UV_DATA"] = mkdtemp(prefix="ultravisor-demo-")
    if not environment.get("UV_ADDRESS") and here.obstacle(given.address) is not None:
        changed["UV_ADDRESS"] = here.free_address("127.0.0.1")
    return here.settings(changed)


def await_ready(settings: Settings, up: Companion | None) -> None:
    """Until the hub can work. Raises Unavailable when it does not come to that."""
    deadline, answer = monotonic() + READY_SECONDS, "no answer"
    while monotonic() < deadline:
        if up is not None:
            up.check()
        try:
            status, body = here.ask(settings, "/readyz", timeout=2)
        except OSError as trouble:
            answer = str(trouble)
        else:
            if status == 200:
                return
            answer = f"{status} {body}"
        sleep(_PAUSE)
    raise Unavailable(f"the hub at {settings.address} is not ready: {answer}")
