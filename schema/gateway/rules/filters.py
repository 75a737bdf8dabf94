"""The filter language: one part of a path, `INSTRUCTION~FIELD~OPERATOR~VALUE` and further groups of four.

`\\~`, `\\,` and `\\\\` stand for a tilde, a comma and a backslash that belong to a value. What cannot be understood is an error, never a filter that
lets everything through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

#: Longest filter, and most groups of four in one.
LONGEST = 32_768
MOST = 500
DEEPEST = 20
#: Most values of one list.
MOST_VALUES = 1_000

OPERATORS = ("EQ", "NE", "GT", "GE", "LT", "LE", "LK", "NLK", "IN", "NN", "INN", "NIN")
#: Operators that look at no value.
WITHOUT_VALUE = ("IN", "NN")
CASTS = ("", "UINT", "SINT", "CHAR", "DD", "DATE")

#: Position, instruction, field, operator, value; the value still escaped.
Quad = tuple[int, str, str, str, str]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ ]{0,127}")
_PART = re.compile(r"[A-Za-z0-9_-]{1,128}")


class BadFilter(ValueError):
    """The filter cannot be understood; `position` is the character at which the group begins that is wrong."""

    def __init__(self, text: str, position: int) -> None:
        super().__init__(text)
        self.text, self.position = text, position


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison. `values` has one value, but for the list operators; `path` leads into a document; `date` compares days."""

    column: str
    operator: str
    values: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    date: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Terms with their connectors, AND binding more tightly than OR; the first connector means nothing."""

    terms: tuple[tuple[bool, Compare | Group], ...] = ()


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of the order."""

    column: str
    descending: bool = False
    path: tuple[str, ...] = ()
    cast: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as it was understood."""

    where: Group = field(default_factory=Group)
    sorts: tuple[Sort, ...] = ()
    distinct: bool = False

    def columns(self) -> set[str]:
        """All columns that it names."""
        return {compare.column for compare in _compares(self.where)} | {sort.column for sort in self.sorts}


NOTHING = Filter()


def _compares(group: Group) -> Iterator[Compare]:
    for _, term in group.terms:
        if isinstance(term, Group):
            yield from _compares(term)
        else:
            yield term


def parsed(text: str) -> Filter:
    """What the text means. Raises BadFilter."""
    if not text:
        return NOTHING
    if len(text) > LONGEST:
        raise BadFilter(f"A filter has at most {LONGEST} characters.", LONGEST)
    terms = list(_split(text, "~"))
    if len(terms) % 4:
        raise BadFilter("A filter is made of groups of four: INSTRUCTION~FIELD~OPERATOR~VALUE.", terms[len(terms) // 4 * 4][0])
    if len(terms) > 4 * MOST:
        raise BadFilter(f"A filter has at most {MOST} groups.", terms[4 * MOST][0])
    quads: list[Quad] = []
    for at in range(0, len(terms), 4):
        word, name, operator = (_plain(part) for _, part in terms[at : at + 3])
        quads.append((terms[at][0], word, name, operator, terms[at + 3][1]))
    return _understood(quads)


def _split(text: str, separator: str) -> Iterator[tuple[int, str]]:
    """The parts between separators that are not escaped, each with where it begins; still escaped."""
    start = at = 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in "~,\\":
            at += 2
        elif text[at] == separator:
            yield start, text[start:at]
            start = at = at + 1
        else:
            at += 1
    yield start, text[start:]


def _plain(text: str) -> str:
    return re.sub(r"\\([~,\\])", r"\1", text)


def escaped(value: str, *, in_list: bool = False) -> str:
    """A value as it stands in a filter.

    >>> escaped("a~b")
    'a\\\\~b'
    """
    return re.sub(r"([~,\\])" if in_list else r"([~\\])", r"\\\1", value)


def _understood(quads: list[Quad]) -> Filter:
    stack: list[tuple[bool, list[tuple[bool, Compare | Group]]]] = [(False, [])]
    sorts: list[Sort] = []
    distinct = False
    for position, word, name, operator, raw in quads:
        match word:
            case "FBV" | "FBVOR" | "FBL" | "FBLOR" | "FBD" | "FBDOR" | "FBJV" | "FBJVOR" | "FBJL" | "FBJLOR" | "FBJD" | "FBJDOR":
                stack[-1][1].append((word.endswith("OR"), _compare(word.removesuffix("OR"), name, operator, raw, position)))
            case "FOP" | "FOPOR":
                if len(stack) > DEEPEST:
                    raise BadFilter(f"Groups are at most {DEEPEST} deep.", position)
                stack.append((word == "FOPOR", []))
            case "FCP":
                if len(stack) == 1:
                    raise BadFilter("A group is closed that was not opened.", position)
                either, terms = stack.pop()
                if terms:
                    stack[-1][1].append((either, Group(tuple(terms))))
            case "FSF" | "FSJF":
                sorts.append(_sort(word, name, operator, _plain(raw), position))
            case "FDST":
                distinct = True
            case _:
                raise BadFilter(f"{word!r} is no instruction.", position)
    if len(stack) > 1:
        raise BadFilter("A group is not closed.", quads[-1][0])
    return Filter(Group(tuple(stack[0][1])), tuple(sorts), distinct)


def _compare(word: str, name: str, operator: str, raw: str, position: int) -> Compare:
    if operator not in OPERATORS:
        raise BadFilter(f"{operator!r} is no operator; they are {', '.join(OPERATORS)}.", position)
    column, path = _place(name, word.startswith("FBJ"), position)
    listed = operator in ("INN", "NIN") or word in ("FBL", "FBJL")
    values = tuple(_plain(part) for _, part in _split(raw, ",")) if listed else (_plain(raw),)
    if len(values) > MOST_VALUES:
        raise BadFilter(f"A list has at most {MOST_VALUES} values.", position)
    if listed and operator not in WITHOUT_VALUE:
        operator = {"EQ": "INN", "NE": "NIN"}.get(operator, operator)
        if operator not in ("INN", "NIN"):
            raise BadFilter(f"{operator} takes no list.", position)
    return Compare(column, operator, () if operator in WITHOUT_VALUE else values, path, word in ("FBD", "FBJD"))


def _sort(word: str, name: str, direction: str, cast: str, position: int) -> Sort:
    if direction.upper() not in ("ASC", "DESC"):
        raise BadFilter(f"{direction!r} is no direction: ASC or DESC.", position)
    column, path = _place(name, word == "FSJF", position)
    wanted = cast.upper() if path and cast != "0" else ""
    if wanted not in CASTS:
        raise BadFilter(f"{cast!r} is nothing to sort by: UINT, SINT, CHAR, DD or DATE.", position)
    return Sort(column, direction.upper() == "DESC", path, wanted)


def _place(name: str, document: bool, position: int) -> tuple[str, tuple[str, ...]]:
    """Column, and the path in its document: `Column.key.sub` or `Column$.key.sub`."""
    column, dot, rest = name.replace("$.", ".", 1).partition(".")
    if not _NAME.fullmatch(column):
        raise BadFilter(f"{name!r} is no name of a column.", position)
    path = tuple(rest.split(".")) if dot else ()
    if document != bool(path) and document:
        raise BadFilter(f"{name!r} has no path into a document.", position)
    if not all(_PART.fullmatch(part) for part in path) or len(path) > DEEPEST:
        raise BadFilter(f"{name!r} is no path into a document.", position)
    return column, path
