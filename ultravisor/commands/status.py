"""`ultravisor status`: whether the hub of this data folder is up, and what it is doing."""

from __future__ import annotations

import sys
from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import orjson
import psutil
import redis
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from schema.settings import Settings
from ultravisor import database, here, lanes
from ultravisor.runtime import folder, strays

DOWN = 3
#: Roads that are tried: alive, and ready to serve.
ROADS = ("/healthz", "/readyz")


@dataclass(slots=True)
class Status:
    """What could be learnt; None where somebody did not answer."""

    up: bool
    pid: int | None
    address: str
    data: str
    answers: dict[str, int | None] = field(default_factory=dict)
    processes: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, Any]] | None = None
    dead_letters: int | None = None
    beacons_online: int | None = None


def status_of(settings: Settings) -> Status:
    """Ask everybody; nobody's silence keeps the others from being asked."""
    pid = folder.holder(Path(settings.data))
    found = Status(pid is not None, pid, here.url(settings.address), settings.data)
    found.answers = {road: _answer(settings, road) for road in ROADS}
    found.processes = _processes(Path(settings.data), pid)
    with suppress(redis.RedisError), here.broker(settings) as client:
        found.waiting = [asdict(lane) for lane in lanes.waiting(client, settings)]
    with suppress(sa.exc.SQLAlchemyError), database.reading(settings) as connection:
        found.dead_letters = database.value(connection, "SELECT COUNT(*) FROM ledger_dead_letter")
        online = "SELECT COUNT(*) FROM hub_beacon WHERE hub = :hub AND status = 'Online'"
        found.beacons_online = database.value(connection, online, hub=settings.hub)
    return found


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:
    """Show whether the hub is up and what waits. Exit code 0: up, 3: down."""
    found = status_of(here.settings())
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    else:
        _print(found, Console())
    sys.exit(0 if found.up else DOWN)


def _answer(settings: Settings, road: str) -> int | None:
    try:
        return here.ask(settings, road, timeout=3)[0]
    except OSError:
        return None


def _processes(data: Path, pid: int | None) -> list[dict[str, Any]]:
    """One row for each service: the pid of its first process, the number of its processes, and the memory they hold together."""
    members: dict[str, list[psutil.Process]] = defaultdict(list)
    if pid is not None and psutil.pid_exists(pid):
        members["up"].append(psutil.Process(pid))
    for name, process in strays.processes(data):
        members[name].append(process)
    rows = []
    for name, group in members.items():
        memory = [size for size in map(_memory, group) if size is not None]
        rows.append({"name": name, "pid": min(group, key=_age).pid, "processes": len(group), "memory_mb": round(sum(memory) / 2**20, 1)})
    return rows


def _age(process: psutil.Process) -> float:
    try:
        return process.create_time()
    except psutil.Error:
        return float("inf")


def _memory(process: psutil.Process) -> int | None:
    """What it has for itself: processes of one service share most of their pages, which resident size counts once for each."""
    try:
        return getattr(process.memory_full_info(), "uss", None) or process.memory_info().rss
    except psutil.Error:
        return None


def _print(found: Status, console: Console) -> None:
    console.print(f"up, pid {found.pid}" if found.up else "down; start it with: ultravisor up", style="bold green" if found.up else "bold red")
    console.print(f"address       {found.address}")
    console.print(f"data          {found.data}")
    console.print("answers       " + ", ".join(f"{road} {_shown(code)}" for road, code in found.answers.items()))
    console.print(f"dead letters  {_shown(found.dead_letters)}")
    console.print(f"beacons       {_shown(found.beacons_online)} online")
    if found.waiting is None:
        console.print("lanes         the broker does not answer")
    else:
        waits = ", ".join(f"{lane['name']} {lane['waiting']} ({lane['seconds']:.1f} s)" for lane in found.waiting)
        console.print(f"lanes         {waits or 'nothing waits'}")
    if found.processes:
        table = Table("service", "pid", "processes", "memory MB", box=None, header_style="bold", pad_edge=False)
        for row in found.processes:
            table.add_row(row["name"], str(row["pid"]), str(row["processes"]), f"{row['memory_mb']:.1f}")
        console.print()
        console.print(table)


def _shown(value: int | None) -> str:
    return "no answer" if value is None else str(value)
