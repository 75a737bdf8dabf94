"""The parts of the demo that need no hub; tests/journeys runs the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from schema.errors import Unavailable
from ultravisor.demo import evidence, work


def test_the_folder_s_own_files_are_the_work(tmp_path: Path) -> None:
    for name in ("b.txt", "sub/a.txt", ".hidden/c.txt", "node_modules/d.js", "sub/__pycache__/e.pyc", ".env"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "b.txt")
    assert [file.name for file in work.files_in(tmp_path, 5)] == ["b.txt", "a.txt", "b.txt", "a.txt", "b.txt"]


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="holds no files"):
        work.files_in(tmp_path, 1)


@pytest.mark.parametrize(
    ("title", "counts", "holds"),
    [
        ("work items", {"Complete": 3}, True),
        ("work items", {"Complete": 3, "Error": 1}, False),
        ("work items", {"Complete": 4}, False),
        ("work items", {}, False),
        ("events", {"enqueued": 3, "dispatched": 3, "completed": 3}, True),
        ("events", {"enqueued": 3, "dispatched": 4, "lost": 1, "completed": 3}, True),
        ("events", {"enqueued": 3, "dispatched": 3, "completed": 4}, False),
        ("attempts", {"Complete": 3, "Lost": 1}, True),
        ("attempts", {"Complete": 3, "Running": 1}, False),
    ],
)
def test_counts_are_judged(title: str, counts: dict[str, int], holds: bool) -> None:
    (query,) = (query for query in evidence.QUERIES if query.title == title)
    assert query.holds(counts, 3) is holds


def test_a_statement_is_shown_as_it_can_be_typed() -> None:
    assert "run_id = 'rn-it''s'" in evidence.QUERIES[0].of("rn-it's")
