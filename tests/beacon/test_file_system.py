from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from beacon.providers import Cancelled, Outputs, ProviderError
from beacon.providers import file_system as module
from beacon.providers.file_system import ALGORITHMS, FileSystem
from tests.beacon.conftest import MakeContext

PATHS = {"Read": ("FilePath",), "Write": ("FilePath",), "List": ("Folder",), "Copy": ("Source", "TargetFile"), "Hash": ("Path",)}


class Disk:
    """An allowed folder beside a secret one."""

    def __init__(self, root: Path, make_context: MakeContext) -> None:
        self.allowed, self.secret = root / "allowed", root / "secret"
        self.allowed.mkdir()
        self.secret.mkdir()
        (self.secret / "key").write_text("hidden")
        (self.allowed / "a.txt").write_text("alpha")
        self.provider = FileSystem([self.allowed])
        self.context = make_context()

    def do(self, action: str, **settings: Any) -> Outputs:
        return self.provider.execute(action, settings, self.context)


@pytest.fixture
def disk(tmp_path: Path, make_context: MakeContext) -> Disk:
    return Disk(tmp_path, make_context)


def test_read(disk: Disk) -> None:
    assert disk.do("Read", FilePath=str(disk.allowed / "a.txt")) == {
        "StdOut": f"Read 5 bytes from {disk.allowed / 'a.txt'}",
        "ExitCode": 0,
        "Result": "alpha",
        "Bytes": 5,
    }


def test_relative_paths_start_at_the_first_allowed_folder(disk: Disk) -> None:
    assert disk.do("Read", FilePath="a.txt")["Result"] == "alpha"


def test_encodings(disk: Disk) -> None:
    (disk.allowed / "b").write_bytes(b"\xe9\x00")
    assert disk.do("Read", FilePath="b", Encoding="latin-1")["Result"] == "é\0"
    assert disk.do("Read", FilePath="b", Encoding="base64")["Result"] == "6QA="
    for encoding in ("utf8", "klingon"):
        with pytest.raises(ProviderError, match=f"cannot be read as {encoding}"):
            disk.do("Read", FilePath="b", Encoding=encoding)
    disk.do("Write", FilePath="c", Content="6QA=", Encoding="base64")
    assert (disk.allowed / "c").read_bytes() == b"\xe9\x00"
    for content, encoding in (("?", "base64"), ("é", "ascii"), ("x", "klingon")):
        with pytest.raises(ProviderError, match=f"cannot be written as {encoding}"):
            disk.do("Write", FilePath="c", Content=content, Encoding=encoding)


def test_reading_is_bounded(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_LIMIT", 4)
    with pytest.raises(ProviderError, match="larger than 4 bytes"):
        disk.do("Read", FilePath="a.txt")


@pytest.mark.parametrize(("content", "bytes_"), [("text", b"text"), ("", b""), (None, b""), ({"a": 1}, b'{\n  "a": 1\n}')])
def test_write_makes_folders_and_files(disk: Disk, content: Any, bytes_: bytes) -> None:
    outputs = disk.do("Write", FilePath="deep/er/new", Content=content)
    assert (disk.allowed / "deep/er/new").read_bytes() == bytes_
    assert (outputs["Result"], outputs["Bytes"]) == (str(disk.allowed / "deep/er/new"), len(bytes_))


def test_write_replaces_in_one_step_and_keeps_permissions(disk: Disk) -> None:
    target = disk.allowed / "a.txt"
    target.chmod(0o640)
    with target.open() as before:
        disk.do("Write", FilePath="a.txt", Content="beta")
        assert before.read() == "alpha"  # who had it open still sees the old file, whole
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("beta", 0o640)
    assert [path.name for path in disk.allowed.iterdir()] == ["a.txt"]


def test_list(disk: Disk) -> None:
    (disk.allowed / "b.log").touch()
    (disk.allowed / "[x].txt").touch()
    outputs = disk.do("List", Folder=str(disk.allowed))
    assert (json.loads(outputs["Result"]), outputs["FileCount"]) == (["[x].txt", "a.txt", "b.log"], 3)
    assert disk.do("List", Folder=".", Pattern="?.txt")["Files"] == ["a.txt"]
    with pytest.raises(ProviderError, match="Not a directory"):
        disk.do("List", Folder="a.txt")


def test_copy(disk: Disk) -> None:
    outputs = disk.do("Copy", Source="a.txt", TargetFile="sub/b.txt")
    assert ((disk.allowed / "sub/b.txt").read_text(), outputs["Result"], outputs["Bytes"]) == ("alpha", str(disk.allowed / "sub/b.txt"), 5)
    disk.do("Copy", Source="a.txt", TargetFile="a.txt")
    assert (disk.allowed / "a.txt").read_text() == "alpha"
    with pytest.raises(ProviderError, match="Is a directory"):
        disk.do("Copy", Source="a.txt", TargetFile="sub")
    assert sorted(path.name for path in disk.allowed.iterdir()) == ["a.txt", "sub"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_hash(disk: Disk, algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    outputs = disk.do("Hash", Path="a.txt", Algorithm=algorithm.upper())
    assert (outputs["Result"], outputs["Bytes"]) == (hashlib.new(algorithm, b"alpha").hexdigest(), 5)


def test_hash_is_sha256_unless_said(disk: Disk) -> None:
    assert disk.do("Hash", Path="a.txt")["Result"] == hashlib.sha256(b"alpha").hexdigest()
    for algorithm in ("shake_128", "rot13"):
        with pytest.raises(ProviderError, match="Algorithm must be one of"):
            disk.do("Hash", Path="a.txt", Algorithm=algorithm)


def test_long_work_ends_when_cancelled_and_leaves_nothing(disk: Disk) -> None:
    disk.context.cancel()
    with pytest.raises(Cancelled):
        disk.do("Hash", Path="a.txt")
    with pytest.raises(Cancelled):
        disk.do("Copy", Source="a.txt", TargetFile="b.txt")
    assert [path.name for path in disk.allowed.iterdir()] == ["a.txt"]


def _lead(disk: Disk, action: str, setting: str, path: str) -> None:
    settings: dict[str, Any] = dict.fromkeys(PATHS[action], str(disk.allowed / "a.txt"))
    with pytest.raises(ProviderError, match=f"{setting} leads outside the folders that this beacon allows"):
        disk.do(action, **{**settings, "Content": "x", setting: path})


@pytest.mark.parametrize(("action", "setting"), [(action, setting) for action, settings in PATHS.items() for setting in settings])
def test_every_path_of_every_action_is_confined(disk: Disk, action: str, setting: str) -> None:
    (disk.allowed / "to_file").symlink_to(disk.secret / "key")
    (disk.allowed / "to_folder").symlink_to(disk.secret, target_is_directory=True)
    (disk.allowed / "to_link").symlink_to("to_folder")
    (disk.allowed / "to_nothing").symlink_to(disk.secret / "new")
    beside = disk.allowed.with_name("allowed-not")  # a prefix of its name is not a folder above it
    beside.mkdir()
    for path in (
        "../secret/key",
        "to_file",
        "to_folder/key",
        "to_link/key",
        "to_nothing",
        "x/../../secret/key",
        str(beside / "f"),
        "/etc/passwd",
        "/",
    ):
        _lead(disk, action, setting, path)
    assert [path.name for path in disk.secret.iterdir()] == ["key"]
    assert (disk.secret / "key").read_text() == "hidden"


def test_links_that_stay_inside_are_followed(disk: Disk) -> None:
    (disk.allowed / "link").symlink_to("a.txt")
    disk.do("Write", FilePath="link", Content="through")
    assert (disk.allowed / "a.txt").read_text() == "through"
    assert (disk.allowed / "link").is_symlink()


def test_an_allowed_folder_may_itself_be_a_link(disk: Disk, tmp_path: Path, make_context: MakeContext) -> None:
    (tmp_path / "alias").symlink_to(disk.allowed)
    provider = FileSystem([tmp_path / "other", tmp_path / "alias"])
    for path in (tmp_path / "alias/a.txt", disk.allowed / "a.txt"):
        assert provider.execute("Read", {"FilePath": str(path)}, make_context())["Result"] == "alpha"


def test_without_allowed_folders_everything_is_refused(make_context: MakeContext, tmp_path: Path) -> None:
    for action, settings in PATHS.items():
        with pytest.raises(ProviderError, match="allows no folder"):
            FileSystem().execute(action, dict.fromkeys(settings, str(tmp_path)), make_context())


@pytest.mark.parametrize("path", [None, "", 5, ["a.txt"]])
def test_a_path_must_be_named(disk: Disk, path: Any) -> None:
    with pytest.raises(ProviderError, match="must name a path"):
        disk.do("Read", FilePath=path)


def test_paths_that_are_none_are_refused(disk: Disk) -> None:
    (disk.allowed / "loop").symlink_to("loop")
    for path in ("a\0b", "loop"):
        with pytest.raises(ProviderError):
            disk.do("Read", FilePath=path)


def test_only_regular_files_are_read(disk: Disk) -> None:
    os.mkfifo(disk.allowed / "pipe")  # would block whoever opens it, for ever
    with pytest.raises(ProviderError, match="Not a regular file"):
        disk.do("Read", FilePath="pipe")
    with pytest.raises(ProviderError, match=r"Not a regular file|Is a directory"):
        disk.do("Hash", Path=".")
    with pytest.raises(ProviderError, match=r"No such file or directory: .*missing"):
        disk.do("Hash", Path="missing")


def test_unknown_actions_fail(disk: Disk) -> None:
    with pytest.raises(ProviderError, match="FileSystem cannot Format; it can Read, Write, List, Copy, Hash"):
        disk.do("Format")


def test_every_action_is_announced() -> None:
    assert {action.name: {s.name for s in action.settings if s.required} - {"Content"} for action in FileSystem.actions} == {
        action: set(settings) for action, settings in PATHS.items()
    }
