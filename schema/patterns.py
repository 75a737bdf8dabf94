"""Patterns of an allow-list: the plain part of regular expressions, matched in a time that grows with the text and never explodes.

Characters, `.`, classes, `*`, `+`, `?`, `{m,n}`, `^` and `$`. Groups, alternatives, references and everything else that lets an engine go back are
refused. A pattern is searched for anywhere in the text, unless it begins with `^`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

#: Longest pattern, and most steps that one may have.
LONGEST, MOST_STEPS = 255, 256

_ATOM = re.compile(r"\\(?P<escaped>.)|\[(?P<negated>\^?)(?P<members>(?:\\.|[^\]\\])+)\]|(?P<any>\.)|(?P<plain>[^\\\[\](){}|*+?^$.])", re.DOTALL)
_TIMES = re.compile(r"(?P<sign>[*+?])|\{(?P<least>\d{1,3})(?P<comma>,(?P<most>\d{1,3})?)?\}")
_MEMBER = re.compile(r"\\(?P<escaped>.)|(?P<plain>.)", re.DOTALL)
_CLASSES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"}


class BadPattern(ValueError):
    """The pattern is not of the kind that is taken here."""


@dataclass(frozen=True, slots=True)
class Step:
    """One character of the text. `may`: or none; `again`: or several."""

    members: frozenset[str] | None
    negated: bool = False
    may: bool = False
    again: bool = False

    def takes(self, character: str) -> bool:
        return self.members is None or (character in self.members) != self.negated


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was understood."""

    steps: tuple[Step, ...]
    begins: bool
    ends: bool

    def matches(self, text: str) -> bool:
        """Whether it is found in the text."""
        standing = self._reached({0})
        for character in text:
            if not self.ends and len(self.steps) in standing:
                return True
            further = set() if self.begins else {0}
            for place in standing:
                if place < len(self.steps) and self.steps[place].takes(character):
                    further |= {place + 1, place} if self.steps[place].again else {place + 1}
            standing = self._reached(further)
        return len(self.steps) in standing

    def _reached(self, places: set[int]) -> set[int]:
        """These places and those behind steps that may be left out."""
        found = set(places)
        for place in sorted(places):
            while place < len(self.steps) and self.steps[place].may and place + 1 not in found:
                place += 1
                found.add(place)
        return found


@lru_cache(maxsize=1_024)
def pattern_of(text: str) -> Pattern:
    """Raises BadPattern.

    >>> pattern_of(r"^/?1\\.0/[^/]+/UV[A-Za-z0-9]*").matches("/1.0/orders/UVManifest")
    True
    """
    if not 0 < len(text) <= LONGEST:
        raise BadPattern(f"A pattern has 1 to {LONGEST} characters.")
    begins, ends = text.startswith("^"), text.endswith("$") and not text.endswith("\\$")
    steps = tuple(_steps(text[begins : len(text) - ends]))
    if len(steps) > MOST_STEPS:
        raise BadPattern(f"A pattern has at most {MOST_STEPS} steps.")
    return Pattern(steps, begins, ends)


def _steps(text: str) -> Iterator[Step]:
    at = 0
    while at < len(text):
        found = _ATOM.match(text, at)
        if found is None:
            raise BadPattern(f"{text[at : at + 8]!r} is more than a pattern may be: no groups, no alternatives, no references.")
        members, negated = _members(found), bool(found["negated"])
        at = found.end()
        times = _TIMES.match(text, at)
        at = times.end() if times else at
        yield from _repeated(Step(members, negated), times)


def _members(found: re.Match[str]) -> frozenset[str] | None:
    if found["any"]:
        return None
    if found["members"] is None:
        return frozenset(found["plain"] or _escaped(found["escaped"]))
    parts = [_escaped(part["escaped"]) if part["escaped"] else part["plain"] for part in _MEMBER.finditer(found["members"])]
    made, place = set[str](), 0
    while place < len(parts):
        if place + 2 < len(parts) and parts[place + 1] == "-":
            first, last = ord(parts[place][0]), ord(parts[place + 2][0])
            if not first <= last < 256:
                raise BadPattern("A range of characters must ascend.")
            made |= {chr(code) for code in range(first, last + 1)}
            place += 3
        else:
            made |= set(parts[place])
            place += 1
    return frozenset(made)


def _escaped(character: str) -> str:
    if character in _CLASSES:
        return _CLASSES[character]
    if character.isalnum():
        raise BadPattern(f"\\{character} is more than a pattern may be.")
    return character


def _repeated(step: Step, times: re.Match[str] | None) -> Iterator[Step]:
    if times is None:
        yield step
        return
    star, maybe = Step(step.members, step.negated, True, True), Step(step.members, step.negated, True)
    if times["sign"]:
        yield from {"*": [star], "+": [step, star], "?": [maybe]}[times["sign"]]
        return
    least = int(times["least"])
    most = least if times["comma"] is None else int(times["most"]) if times["most"] else None
    if least > MOST_STEPS or (most is not None and not least <= most <= MOST_STEPS):
        raise BadPattern("A repetition has its bounds in order, and small.")
    yield from [step] * least
    yield from [star] if most is None else [maybe] * (most - least)
