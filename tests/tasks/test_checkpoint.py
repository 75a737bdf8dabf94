"""SQLite's log is brought back into its file by the sweep, and not by the command that fills it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tasks import checkpoint as checkpointing
from tasks.checkpoint import checkpoint
from tasks.sweep import sweep
from tasks.unit import LOCK_MS, look
from tests.tasks.rig import Rig
from tests.tasks.shelf import Put


def in_file(rig: Rig, folder: Path) -> list[str]:
    """What somebody finds who has the file without its log."""
    alone = folder / "alone.db"
    shutil.copy(str(rig.engine.url.database), alone)
    with closing(sqlite3.connect(alone)) as connection:
        if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'shelf_thing'").fetchone()[0]:
            return []
        return [str(name) for (name,) in connection.execute("SELECT name FROM shelf_thing ORDER BY id")]


def test_a_sweep_brings_the_log_into_the_file(lite: Rig, tmp_path: Path) -> None:
    lite.send(Put(shelf="a", what="x"))
    lite.drain()
    assert in_file(lite, tmp_path) == [], "the commit itself leaves it to the sweep"
    sweep(lite.kernel)
    assert in_file(lite, tmp_path) == ["x"]


def test_some_megabytes_of_log_are_still_left_to_the_sweep(lite: Rig, tmp_path: Path) -> None:
    checkpoint(lite.kernel)
    lite.send(*(Put(shelf="a", what="x" * 4096) for _ in range(500)))
    lite.drain()
    assert in_file(lite, tmp_path) == []


def test_a_reader_and_a_checkpoint_leave_each_other_alone(lite: Rig, tmp_path: Path) -> None:
    lite.send(Put(shelf="a", what="x"))
    lite.drain()
    with look(lite.engine) as reader:
        assert reader.exec_driver_sql("SELECT name FROM shelf_thing").scalars().all() == ["x"]
        lite.send(Put(shelf="a", what="y"))
        lite.drain()
        checkpoint(lite.kernel)
        assert reader.exec_driver_sql("SELECT name FROM shelf_thing").scalars().all() == ["x"], "it keeps its state"
    checkpoint(lite.kernel)
    assert in_file(lite, tmp_path) == ["x", "y"]


def test_on_every_engine_a_sweep_may_ask_for_it(rig: Rig) -> None:
    rig.send(Put(shelf="a", what="x"))
    rig.drain()
    checkpoint(rig.kernel)
    assert rig.names() == ["x"]


def pages(rig: Rig) -> int:
    """How long the log is."""
    with closing(sqlite3.connect(str(rig.engine.url.database))) as connection:
        return int(connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])


@pytest.fixture
def busy(lite: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Somebody commits during each copy that keeps nobody waiting, and the log counts as long at once."""
    real = checkpointing._copy

    def copy(cursor: Any, mode: str) -> int:
        found = real(cursor, mode)
        if mode == "PASSIVE":
            lite.send(Put(shelf="a", what="meanwhile"))
            lite.drain()
        return found

    monkeypatch.setattr(checkpointing, "_copy", copy)
    monkeypatch.setattr(checkpointing, "LONG_PAGES", 1)
    lite.send(*(Put(shelf="a", what="x" * 4096) for _ in range(200)))
    lite.drain()
    return lite


def test_a_long_log_comes_to_its_end_although_somebody_writes_all_the_time(busy: Rig) -> None:
    before = pages(busy)
    checkpoint(busy.kernel)
    busy.send(Put(shelf="a", what="y"))
    busy.drain()
    assert pages(busy) < before / 4, "it has begun anew"


def test_a_reader_of_an_old_state_keeps_it_from_its_end_and_nothing_else(busy: Rig) -> None:
    with look(busy.engine) as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM shelf_thing").scalar() == 200
        checkpoint(busy.kernel)
        assert reader.exec_driver_sql("SELECT count(*) FROM shelf_thing").scalar() == 200
    busy.send(Put(shelf="a", what="y"))
    busy.drain()
    assert busy.names()[-1] == "y"


def test_a_checkpoint_leaves_the_connection_as_patient_as_it_was(busy: Rig) -> None:
    checkpoint(busy.kernel)
    with busy.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == LOCK_MS
