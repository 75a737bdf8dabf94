"""What the hub consists of: the Procfile's lines, with the settings resolved into their environment."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path

from honcho.environ import parse_procfile

from schema.settings import Settings, split_address
from ultravisor import here
from ultravisor.runtime import bundled, folder, strays
from ultravisor.runtime.child import Service
from ultravisor.runtime.places import PROCFILE

#: Seconds after which a service is killed, counted from the moment in which the hub begins to stop: the stages before it leave it the
#: rest. The worker waits 5 for its tasks, and then up to 2 for its own loop to notice.
ENDS_WITHIN = {"worker": 9.2, "gateway": 9.2, "executor": 4.5, bundled.NAME: 9.8}
USUALLY_ENDS_WITHIN = 2.5

#: Asked to end when the journal has just ended too, the worker would wait for it for ever, and nobody is left to lose patience. Killed, it
#: loses nothing: a unit commits or it does not.
WHEN_ORPHANED = {"worker": signal.SIGKILL, "gateway": signal.SIGKILL, "executor": signal.SIGKILL}


@dataclass(frozen=True, slots=True)
class Flower:
    """Where Flower listens, if it runs, and what to say when that is not what the settings ask for."""

    address: str | None
    remark: str = ""


def flower_for(settings: Settings, environment: Mapping[str, str]) -> Flower:
    """A port that nobody asked for may be another one; a port that somebody asked for is that one or none."""
    wanted = environment.get("UV_FLOWER_ADDRESS")
    if wanted == "" or not settings.flower_address:
        return Flower(None)
    obstacle = here.obstacle(settings.flower_address)
    if obstacle is None:
        return Flower(settings.flower_address)
    if wanted is not None:
        return Flower(None, f"Flower is off: {settings.flower_address}: {obstacle}")
    return Flower(here.free_address(split_address(settings.flower_address)[0]))


def services(settings: Settings, flower: Flower) -> list[Service]:
    """Every line of the Procfile as a service; Flower's only when it has an address."""
    lines = parse_procfile(PROCFILE.read_text()).processes
    common = exported(settings)
    if flower.address is not None:
        host, port = split_address(flower.address)
        common |= {"UV_FLOWER_ADDRESS": flower.address, "FLOWER_ADDRESS": host, "FLOWER_PORT": str(port)}
    return [
        Service(
            name, command, _environment(settings, name, common), ENDS_WITHIN.get(name, USUALLY_ENDS_WITHIN), WHEN_ORPHANED.get(name, signal.SIGTERM)
        )
        for name, command in lines.items()
        if name != "flower" or flower.address is not None
    ]


def redis_service(settings: Settings) -> Service:
    """The bundled Redis."""
    data = Path(settings.data)
    return Service(bundled.NAME, bundled.command(data), os.environ | strays.marks(data, bundled.NAME), ENDS_WITHIN[bundled.NAME])


def stages(names: list[str]) -> list[list[str]]:
    """Who ends when: what brings work (web, beat, Flower), then what does it, then the journal between them."""
    late = [["worker", "gateway"], [bundled.NAME]]
    return [[name for name in names if name not in chain.from_iterable(late)], *late]


def exported(settings: Settings) -> dict[str, str]:
    """The environment of every service: ours, with each setting as it was resolved, so that all processes mean the same."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    environment |= {field.metadata["env"]: _text(getattr(settings, field.name)) for field in fields(settings)}
    environment["UV_SECRET_KEY"] = settings.secret_key or folder.secret_key(Path(settings.data))
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    environment["PYTHONUNBUFFERED"] = "1"
    return environment


def _environment(settings: Settings, name: str, common: dict[str, str]) -> dict[str, str]:
    environment = common | strays.marks(Path(settings.data), name)
    if name == "web":
        # It only reads: it need not even know the password of somebody who may write.
        environment["DATABASE_URL"] = settings.database_read_url
    return environment


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
