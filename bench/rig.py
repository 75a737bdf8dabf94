"""A hub of its own for a measurement: a temporary folder, the bundled Redis, and those processes of the Procfile that it asks for."""

from __future__ import annotations

import gc
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psutil
import redis
import sqlalchemy as sa

from schema.settings import Settings
from tasks import migrations, unit
from tasks.frame import Foresight, Verb
from tasks.kernel import Kernel, broker
from tests.services.processes import Process
from ultravisor import here
from ultravisor.runtime import bundled, folder
from ultravisor.runtime.places import PROJECT
from ultravisor.runtime.services import Flower, redis_service, services
from ultravisor.runtime.tether import tethered

#: Seconds that a process gets to be ready.
PATIENCE = 60.0

HUB = "bench"


class Rig:
    """Settings of the hub, and its processes by name."""

    def __init__(self, data: Path, **chosen: str) -> None:
        names = {"UV_DATA": str(data), "UV_ADDRESS": here.free_address("127.0.0.1"), "UV_HUB": HUB, "UV_LOG_LEVEL": "WARNING"}
        self.settings = Settings.read(names | chosen)
        self.processes: dict[str, Process] = {}
        folder.prepare(data)

    def start(self, *names: str) -> None:
        """Start services of the Procfile, or `redis`."""
        known = {service.name: service for service in services(self.settings, Flower(here.free_address("127.0.0.1")))}
        known[bundled.NAME] = redis_service(self.settings)
        for name in names:
            service = known[name]
            # Tied to us: nobody measures a machine that carries what an interrupted run has left.
            command = tethered(["sh", "-c", f"exec {service.command}"], by=signal.SIGKILL)
            process = Process(*command, env=service.environment, cwd=PROJECT)
            self.processes[name] = process.start()

    def attend(self, name: str, *command: str, ready: str) -> None:
        """Start a program that is no part of the hub, a beacon for one, and wait until it says that it is ready."""
        process = Process(*tethered([sys.executable, "-m", *command], by=signal.SIGKILL), cwd=PROJECT, ready=ready)
        self.processes[name] = process.start()

    def engine(self) -> sa.Engine:
        """A write engine on the migrated database."""
        engine = unit.connect(self.settings.database_url)
        migrations.upgrade(engine)
        return engine

    def kernel(self, verbs: Mapping[str, Verb], foresights: Mapping[str, Foresight] | None = None) -> Kernel:
        """A kernel in this process, made as a worker makes its own; its doorbell rings for nobody."""
        gc.freeze()
        return Kernel(self.settings, self.engine(), broker(self.settings.redis_url), verbs, lambda *_: None, foresights=foresights or {})

    def await_broker(self) -> None:
        with here.broker(self.settings) as client:
            self._await("redis", lambda: bool(client.ping()))

    def await_web(self) -> None:
        """Until the web process says that it is ready."""
        self._await("web", lambda: here.ask(self.settings, "/readyz", timeout=2)[0] == 200)

    def wait_for(self, question: Callable[[], bool]) -> None:
        """Until the question is answered with yes. Raises RuntimeError after PATIENCE."""
        deadline = monotonic() + PATIENCE
        while not question():
            if monotonic() > deadline:
                raise RuntimeError(f"not done after {PATIENCE:g} s")
            sleep(0.005)

    def resident(self) -> dict[str, list[float]]:
        """Megabytes of each process, by service; the first of a service is the one that started the others."""
        return {name: [_megabytes(process) for process in _family(started.pid)] for name, started in self.processes.items()}

    def processor_seconds(self) -> dict[str, float]:
        """What each service has used up to now, of all its processes together."""
        return {name: sum(map(_seconds, _family(started.pid))) for name, started in self.processes.items()}

    def close(self) -> None:
        """End everything: those who use the broker before it."""
        for process in reversed(self.processes.values()):
            process.kill()

    def _await(self, name: str, ready: object) -> None:
        assert callable(ready)
        deadline = monotonic() + PATIENCE
        while True:
            try:
                if ready():
                    return
            except (OSError, redis.RedisError):
                pass
            process = self.processes[name]
            if monotonic() > deadline or not process.alive:
                raise RuntimeError(f"{name} did not become ready:\n{process.output[-4000:]}")
            sleep(0.05)


@contextmanager
def rig(*names: str, **chosen: str) -> Iterator[Rig]:
    """A hub with these processes beside its Redis, gone without a trace afterwards."""
    data = Path(tempfile.mkdtemp(prefix="uv-bench-"))
    made = Rig(data, **chosen)
    try:
        made.start(bundled.NAME)
        made.await_broker()
        made.engine().dispose()
        made.start(*names)
        if "web" in names:
            made.await_web()
        yield made
    finally:
        made.close()
        shutil.rmtree(data, ignore_errors=True)


def settle(seconds: float) -> None:
    """Let what has just happened fade away: a checkpoint, a flush that lingers."""
    sleep(seconds)


def _family(pid: int) -> list[psutil.Process]:
    leader = psutil.Process(pid)
    return [leader, *leader.children(recursive=True)]


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
