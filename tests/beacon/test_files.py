"""Which file an item's settings ask for, and what the hub is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from beacon.files import ResultFile, wished


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (work / "out.bin").write_bytes(b"abc")
    (work / "deep" / "b").write_bytes(b"b")
    (work / "link").symlink_to(tmp_path / "secret")
    return work


@pytest.mark.parametrize(
    ("settings", "result", "found"),
    [
        ({"OutputFilename": "out.bin"}, None, "out.bin"),
        ({"OutputFile": "out.bin"}, None, "out.bin"),
        ({"OutputFilename": "film"}, "deep/b", "deep/b"),
        ({"OutputFilename": "out.bin"}, "some text that is no path", "out.bin"),
        ({"OutputFilename": "missing"}, None, None),
        ({"OutputFilename": "deep"}, None, None),
        ({"OutputFilename": "link"}, None, None),
        ({"OutputFilename": "../secret"}, None, None),
        ({"OutputFilename": "film"}, "../secret", None),
        ({"OutputFilename": "film"}, "/etc/passwd", None),
        ({"OutputFilename": "a\0b"}, "x" * 10_000, None),
        ({"OutputFilename": 7}, "out.bin", None),
        ({}, "out.bin", None),
    ],
)
def test_only_what_lies_in_the_work_folder_is_handed_out(folder: Path, settings: dict[str, str], result: str | None, found: str | None) -> None:
    file = wished(settings, {"Result": result}, folder)
    assert (None if file is None else file.path) == (None if found is None else folder / found)
    assert file is None or file.name == next(iter(settings.values()))


def test_a_name_can_be_said_in_a_header_and_its_type_is_guessed(folder: Path) -> None:
    file = ResultFile.of(folder / "out.bin", "a\r\nX-Evil: 1.png" + "x" * 300)
    assert (file.name[:16], len(file.name)) == ("a__X-Evil: 1.png", 255)
    assert ResultFile.of(Path("/x/frame.png")).content_type == "image/png"
    assert ResultFile.of(Path("/x/frame")).content_type == "application/octet-stream"
    assert file.digest() == "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"
