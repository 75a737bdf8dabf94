"""What the doctor says: what it looked at, what it saw, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad it is; the worst one is the exit code."""

    OK = 0
    WARNING = 1
    PROBLEM = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    subject: str
    level: Level
    seen: str
    advice: str = ""


def ok(subject: str, seen: str) -> Finding:
    return Finding(subject, Level.OK, seen)


def warning(subject: str, seen: str, advice: str) -> Finding:
    return Finding(subject, Level.WARNING, seen, advice)


def problem(subject: str, seen: str, advice: str) -> Finding:
    return Finding(subject, Level.PROBLEM, seen, advice)


def worst(findings: Iterable[Finding]) -> Level:
    """The verdict: the level of the worst finding.

    >>> worst([ok("a", ""), warning("b", "", "")]).name
    'WARNING'
    >>> worst([]).name
    'OK'
    """
    return max((finding.level for finding in findings), default=Level.OK)
