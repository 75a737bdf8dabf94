"""The hub as a set of processes that can be hurt: started as `ultravisor up` starts them, started again at once when they end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic, strftime

import psutil

from bench.chaos.work import EXECUTIONS
from schema.settings import Settings
from ultravisor import here
from ultravisor.runtime import folder, strays
from ultravisor.runtime.child import Child, Service
from ultravisor.runtime.services import Flower, redis_service, services

#: Each beacon and its transport: both roads are under the same blows.
TRANSPORTS = {"beacon-1": "http", "beacon-2": "websocket"}
BEACONS = tuple(TRANSPORTS)
#: Who ends when: those that work for the hub, those that bring work, those that do it, the journal.
STAGES = (BEACONS, ("web", "beat"), ("worker",), ("redis",))
#: Seconds that a role gets to end when it is told to.
GRACE = 10.0
#: How often the house looks up from waiting.
GLANCE = 0.05


def settings_for(data: Path, database: str = "", **chosen: str) -> Settings:
    """A hub of its own: folder, port, Redis socket. Requests wait two seconds only, so that many of them have to be repeated."""
    environment = {"UV_DATA": str(data), "UV_ADDRESS": here.free_address("127.0.0.1"), "UV_HUB": "chaos", "DATABASE_URL": database, "UV_WAIT": "2"}
    return Settings.read(environment | chosen)


class House:
    """Runs the parts of one hub. To be used from the main thread, which is the one that may start processes (see `Child`)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.data = Path(settings.data)
        self.executions = self.data / "executions"
        folder.prepare(self.data)
        (self.data / "logs").mkdir()
        procfile = {service.name: service for service in services(settings, Flower(None))}
        self._services = {"redis": redis_service(settings)} | procfile | {name: self._beacon(name, procfile["web"]) for name in BEACONS}
        self.children: dict[str, Child] = {}
        #: What ended although nobody had hurt it, and what had to be killed because it did not end when told to.
        self.ended_unasked: list[str] = []
        self.stubborn: list[str] = []
        self._ended: SimpleQueue[Child] = SimpleQueue()
        self._asked: set[int] = set()
        self._asleep: list[tuple[float, list[int]]] = []
        self._meanwhile: dict[str, tuple[float, Callable[[], None]]] = {}
        self._due: dict[str, float] = {}
        self._lock = Lock()

    def _beacon(self, name: str, like: Service) -> Service:
        who = f"--name {name} --transport {TRANSPORTS[name]} --provider bench.chaos.work:Recorded"
        options = f"{who} --max-concurrent 8 --heartbeat-seconds 1 --grace-seconds 2"
        command = f"{sys.executable} -m beacon --server {here.url(self.settings.address)} {options}"
        environment = {key: value for key, value in like.environment.items() if not key.startswith(("UV_", "DATABASE", "REDIS", "BROKER"))}
        return Service(name, command, environment | strays.marks(self.data, name) | {EXECUTIONS: str(self.executions)}, GRACE)

    def start(self, *names: str) -> None:
        """Start these roles, or all."""
        for name in names or self._services:
            self._due.pop(name, None)
            self._say(name, f"--- started at {strftime('%H:%M:%S')}\n")
            self.children[name] = Child(self._services[name], self._say, self._ended.put)

    def mind(self, until: float) -> None:
        """Until that time, start again whatever ends and wake whoever has slept enough."""
        while (left := until - monotonic()) > 0:
            self._wake(monotonic())
            self._start_due(monotonic())
            with suppress(Empty):
                self._restart(self._ended.get(timeout=min(left, GLANCE)))

    def mind_until(self, question: Callable[[], object], within: float) -> bool:
        """Whether the question found a truthy answer within that time."""
        deadline = monotonic() + within
        while not question():
            if monotonic() >= deadline:
                return False
            self.mind(monotonic() + GLANCE)
        return True

    def _restart(self, child: Child) -> None:
        name = child.service.name
        if self.children.get(name) is not child:
            return
        if child.pid not in self._asked:
            self.ended_unasked.append(f"{name} ended with {child.code} after {monotonic() - child.began:.1f} s")
        seconds, deed = self._meanwhile.pop(name, (0.0, lambda: None))
        deed()
        self._due[name] = monotonic() + seconds
        self._start_due(monotonic())

    def _start_due(self, now: float) -> None:
        """Start whatever has been away long enough."""
        for name in [name for name, at in self._due.items() if at <= now]:
            self.start(name)

    def _wake(self, now: float) -> None:
        due = [pids for at, pids in self._asleep if at <= now]
        self._asleep = [(at, pids) for at, pids in self._asleep if at > now]
        for pids in due:
            self.send(signal.SIGCONT, pids)

    def once_down(self, name: str, seconds: float, deed: Callable[[], None] = lambda: None) -> None:
        """After its next end this role stays away for so long; meanwhile something is done to what it has left."""
        self._meanwhile[name] = seconds, deed

    def hurt(self, name: str, number: signal.Signals, pids: Iterable[int], seconds: float = 0.0) -> None:
        """Send a signal to processes of a role, and SIGCONT after `seconds` where it was SIGSTOP."""
        hit = list(pids)
        self._asked.update(hit)
        self.send(number, hit)
        if number == signal.SIGSTOP:
            self._asleep.append((monotonic() + seconds, hit))

    @staticmethod
    def send(number: signal.Signals, pids: Iterable[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def processes(self, name: str) -> list[int]:
        """The pids of a role: the one that we have started first, then those that it has."""
        with suppress(psutil.NoSuchProcess):
            leader = psutil.Process(self.children[name].pid)
            return [leader.pid, *(child.pid for child in leader.children(recursive=True))]
        return []

    def end(self, *names: str) -> None:
        """End these roles as `ultravisor up` would: asked first, killed when their grace is over. They stay down."""
        self._wake(float("inf"))
        self._start_due(float("inf"))
        going = [self.children.pop(name) for name in names if name in self.children]
        for child in going:
            child.ask_to_end()
        deadline = monotonic() + GRACE
        for child in going:
            self.mind_until(lambda child=child: not child.alive, deadline - monotonic())  # type: ignore[misc]  # mypy: a default makes no signature
            if child.alive:
                self.stubborn.append(child.service.name)
                self._kill(child)

    def _kill(self, child: Child) -> None:
        child.kill()
        while child.alive:
            with suppress(Empty):
                self._ended.get(timeout=GLANCE)

    def stop(self) -> None:
        """End everything, in order."""
        for names in STAGES:
            self.end(*names)

    def kill(self, *names: str) -> None:
        """SIGKILL for these roles, or all; they stay down."""
        for name in names or list(self.children):
            self._due.pop(name, None)
            if name in self.children:
                self._kill(self.children.pop(name))

    def _say(self, name: str, line: bytes | str) -> None:
        text = line if isinstance(line, bytes) else line.encode()
        with self._lock, (self.data / "logs" / f"{name}.log").open("ab") as log:
            log.write(text if text.endswith(b"\n") else text + b"\n")
