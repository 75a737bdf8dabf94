"""A web process that has taken its entry cannot write a file of the hub, whatever is loaded into it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.app.worker import Worker
from tests.architecture.house import ROOT
from tests.services.processes import Process, free_port

#: Each line tries one road in the sealed process; `data` is the data folder, `db` the database file.
ROADS = {
    "reopen the database": "sqlite3.connect(db).execute('DELETE FROM ledger_cursor')",
    "reopen it by uri for writing": "sqlite3.connect(f'file:{db}?mode=rw', uri=True)",
    "reopen it by uri with two modes": "sqlite3.connect(f'file:{db}?mode=ro&mode=rw', uri=True)",
    "open another database": "sqlite3.connect(f'{data}/other.db')",
    "open a database in memory": "sqlite3.connect('')",
    "an engine of its own": "sqlalchemy.create_engine(f'sqlite:///{db}').connect()",
    "attach beside the authorizer": "attach()",
    "write the file": "open(db, 'r+b')",
    "append to the file": "open(db, 'ab')",
    "write a new file": "open(f'{data}/new', 'w')",
    "write by path": "pathlib.Path(data, 'new').write_text('x')",
    "write by bytes": "open(os.fsencode(data) + b'/new', 'wb')",
    "write by descriptor": "os.open(f'{data}/new', os.O_CREAT | os.O_WRONLY)",
    "write relative to a folder": "os.open('new', os.O_CREAT | os.O_WRONLY, dir_fd=os.open(data, os.O_RDONLY))",
    "write relative to the working folder": "(os.chdir(data), open('new', 'w'))",
    "write through a link": "open(link, 'w')",
    "write around a corner": "open(f'{data}/../{os.path.basename(data)}/new', 'w')",
    "remove": "os.remove(db)",
    "unlink": "pathlib.Path(db).unlink()",
    "rename away": "os.rename(db, f'{outside}/gone')",
    "rename over": "os.replace(f'{outside}/mine', db)",
    "truncate": "os.truncate(db, 0)",
    "hard link": "os.link(db, f'{outside}/other-name')",
    "make a folder": "os.mkdir(f'{data}/new')",
    "remove the folder": "shutil.rmtree(data)",
    "copy over": "shutil.copyfile(f'{outside}/mine', db)",
    "change its mode": "os.chmod(db, 0o600)",
    "a program": "subprocess.run(['true'])",
    "a shell": "os.system('true')",
    "another program in our place": "os.execv('/bin/true', ['true'])",
    "a spawned program": "os.posix_spawn('/bin/true', ['true'], {})",
}

PROGRAM = """
import json, os, pathlib, shutil, sqlite3, subprocess, sys
import sqlalchemy
from app.main import wsgi
data, outside, roads = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
db, link = f"{data}/ultravisor.db", f"{outside}/link"
os.symlink(f"{data}/new", link)
pathlib.Path(outside, "mine").write_text("x")
app = wsgi()

def attach():
    with app.app_context():
        from app.reading import reader
        with reader()._single.connect() as connection:
            handle = connection.connection.driver_connection
            sqlite3.Connection.set_authorizer(handle, None)
            handle.execute(f"ATTACH 'file:{db}?mode=rw' AS again")
            handle.execute("DELETE FROM again.ledger_cursor")

told = {}
for name, road in roads.items():
    try:
        eval(road)
        told[name] = "DONE"
    except Exception as error:
        told[name] = type(error).__name__
answer = app.test_client().get("/api/dead-letters")
pathlib.Path(outside, "written").write_text("x")
print(json.dumps({"told": told, "reads": answer.status_code, "tasks": [name for name in sys.modules if name.split(".")[0] == "tasks"]}))
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    data, outside = tmp_path / "data", tmp_path / "outside"
    data.mkdir()
    outside.mkdir()
    return data, outside


@pytest.fixture
def environment(folders: tuple[Path, Path], redis_url: str) -> dict[str, str]:
    return {"UV_DATA": str(folders[0]), "REDIS_URL": redis_url, "UV_HUB": "hub", "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}


def test_every_road_is_closed_in_a_sealed_process(environment: dict[str, str], folders: tuple[Path, Path], idle: Worker) -> None:
    data, outside = folders
    idle.close()  # the last writer to leave moves everything from the log into the file
    before = contents(data)
    arguments = [str(data), str(outside), orjson.dumps(ROADS).decode()]
    ended = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    told = orjson.loads(ended.stdout)
    assert {name for name, how in told["told"].items() if how == "DONE"} == set()
    assert {name for name, how in told["told"].items() if how != "WriteTried"} == {"attach beside the authorizer"}, told["told"]
    assert (told["reads"], told["tasks"]) == (200, [])
    assert (outside / "written").exists(), "other files are none of our business"
    assert contents(data) == before


def contents(folder: Path) -> dict[str, bytes]:
    """All files but SQLite's shared memory, where readers too note their locks, and an empty log."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and not path.name.endswith("-shm")}
    return {name: text for name, text in files.items() if text}


def test_the_web_process_starts_sealed_and_without_a_writer(environment: dict[str, str], idle: Worker, launch: Callable[..., Process]) -> None:
    """The real server with the real configuration; the probe is a route's own thread that asks for the modules."""
    port = free_port()
    web = launch(
        *(sys.executable, "-m", "gunicorn", "-c", "ultravisor/gunicorn.py"),
        env={**environment, "UV_ADDRESS": f"127.0.0.1:{port}", "UV_WEB_WORKERS": "1", "UV_LOG_LEVEL": "INFO"},
        cwd=ROOT,
        ready="Booting worker",
    )
    import httpx

    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        assert client.get("/readyz").json() == {"Status": "Ready"}
        assert client.get("/api/dead-letters").json() == []
    assert web.stop(within=10) == 0


@pytest.mark.parametrize("address", ["0.0.0.0:54321", "[::]:54321", "192.168.1.5:54321"])
def test_an_address_beyond_loopback_needs_leave(address: str, environment: dict[str, str]) -> None:
    question = [sys.executable, "-c", "import app.main; app.main.wsgi()"]
    refused = subprocess.run(question, cwd=ROOT, env={**environment, "UV_ADDRESS": address}, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "there is no authentication" in refused.stderr
    allowed = subprocess.run(question, cwd=ROOT, env={**environment, "UV_ADDRESS": address, "UV_ALLOW_OPEN": "1"}, check=False)
    assert allowed.returncode == 0
