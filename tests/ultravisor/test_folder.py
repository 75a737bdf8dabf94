"""The data folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ultravisor.runtime import folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder.prepare(tmp_path / "deep" / "data")
    assert mode(tmp_path / "deep" / "data") == 0o700


def test_an_empty_folder_becomes_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    folder.prepare(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_folder_that_holds_things_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "somebodys").touch()
    folder.prepare(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_file_cannot_be_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(folder.FolderUnusable, match="UV_DATA"):
        folder.prepare(tmp_path / "data")


def test_the_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = folder.secret_key(tmp_path)
    assert len(key) >= 40
    assert folder.secret_key(tmp_path) == key
    assert mode(tmp_path / "secret.key") == 0o600


def test_half_a_key_of_a_start_that_was_killed_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "secret.key.new").write_text("hal")
    assert len(folder.secret_key(tmp_path)) >= 40


def test_a_folder_is_claimed_once(tmp_path: Path) -> None:
    assert folder.holder(tmp_path) is None
    with folder.claimed(tmp_path):
        assert folder.holder(tmp_path) == os.getpid()
        with pytest.raises(folder.FolderTaken, match=f"with pid {os.getpid()}. Stop it with: kill {os.getpid()}"), folder.claimed(tmp_path):
            pytest.fail("claimed twice")
    assert folder.holder(tmp_path) is None


def test_a_pid_that_somebody_left_in_the_file_claims_nothing(tmp_path: Path) -> None:
    (tmp_path / "up.pid").write_text("1\n")
    assert folder.holder(tmp_path) is None
    with folder.claimed(tmp_path):
        assert (tmp_path / "up.pid").read_text() == f"{os.getpid()}\n"
