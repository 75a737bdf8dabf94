"""`ultravisor up`: serve until told to stop."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from time import monotonic, sleep

import click
import redis
from honcho.colour import get_colours
from honcho.printer import Message, Printer

from schema.errors import Unavailable
from schema.settings import Settings
from ultravisor import here
from ultravisor.runtime import bundled, first_admin, folder, strays
from ultravisor.runtime.child import Say
from ultravisor.runtime.services import Flower, flower_for, redis_service, services, stages
from ultravisor.runtime.supervisor import Supervisor

#: Seconds for the broker's first answer. It may take longer with a large journal to load; the services wait for it themselves.
BROKER_SECONDS = 10.0
#: Seconds after which a hub that is not ready says why, and keeps on trying.
READY_SECONDS = 20.0
_PAUSE = 0.1


@click.command()
def up() -> None:
    """Serve the hub until Ctrl-C: Redis, web, worker, beat, Flower."""
    settings = here.settings()
    data = Path(settings.data)
    folder.prepare(data)
    with folder.claimed(data):
        _serve(settings, data, _Output())


def _serve(settings: Settings, data: Path, say: Say) -> None:
    if left := strays.end(data, last=bundled.NAME):
        say("up", f"ended what an earlier run had left: {', '.join(left)}")
    if (obstacle := here.obstacle(settings.address)) is not None:
        raise Unavailable(f"cannot serve on {settings.address}: {obstacle}. Stop whoever is there, or choose another UV_ADDRESS.")
    flower = flower_for(settings, os.environ)
    if flower.remark:
        say("up", flower.remark)
    chosen = services(settings, flower)
    supervisor = Supervisor(stages([service.name for service in chosen]), say)
    try:
        if bundled.is_bundled(settings):
            supervisor.start(redis_service(settings))
        _await_broker(settings, say)
        for service in chosen:
            supervisor.start(service)
        Thread(target=_announce, args=(settings, flower, say), name="announce", daemon=True).start()
        supervisor.run()
    finally:
        supervisor.stop()
        strays.end(data, last=bundled.NAME)


def _await_broker(settings: Settings, say: Say) -> None:
    """Says so when the broker stays silent; the services are started all the same, as they find it whenever it comes."""
    deadline = monotonic() + BROKER_SECONDS
    with here.broker(settings) as client:
        while True:
            try:
                client.ping()
            except redis.RedisError as trouble:
                if monotonic() < deadline and bundled.is_bundled(settings):
                    sleep(_PAUSE)
                    continue
                where = "the bundled Redis" if bundled.is_bundled(settings) else "REDIS_URL"
                say("up", f"{where} does not answer: {trouble}. Nothing is accepted until it does; start it, or correct REDIS_URL.")
            return


def _announce(settings: Settings, flower: Flower, say: Say) -> None:
    began, told = monotonic(), False
    for _ in count():
        answer = "no answer"
        with suppress(OSError):
            status, body = here.ask(settings, "/readyz", timeout=2)
            answer = f"{status} {body}"
            if status == 200:
                break
        if not told and monotonic() - began > READY_SECONDS:
            told = True
            say("up", f"not ready yet: {answer}. `ultravisor doctor` looks for the reason.")
        sleep(_PAUSE)
    also = f", Flower at {here.url(flower.address)}" if flower.address else ""
    if settings.secured and (remark := first_admin.offer(settings)):
        say("up", remark)
    say("up", f"Ultravisor is ready at {here.url(settings.address)}{also} (data in {settings.data})")


class _Output:
    """honcho's prefixed, coloured lines, one at a time. A reader that has gone away must not stop the hub."""

    def __init__(self) -> None:
        self._printer = Printer(sys.stdout, width=6)
        self._colours = get_colours()
        self._colour_of: dict[str, str | None] = {"up": None}
        self._lock = Lock()

    def __call__(self, name: str, line: bytes | str) -> None:
        with self._lock, suppress(OSError, ValueError):
            if name not in self._colour_of:
                self._colour_of[name] = next(self._colours)
            self._printer.write(Message("line", line, datetime.now().astimezone(), name, self._colour_of[name]))
