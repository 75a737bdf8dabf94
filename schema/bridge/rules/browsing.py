"""What somebody who looks through the persisted rows wants to see: conditions and an order, by the names of the columns there."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Operators -> what they mean.
OPERATORS = {"=": "is", "!=": "is not", "~": "contains", ">=": "from", "<=": "to"}

_CONDITION = re.compile(r"([A-Za-z]+)(>=|<=|!=|=|~)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a column with a text."""

    column: str
    operator: str
    value: str


def condition_of(text: str) -> Condition | None:
    """The condition that a text means, None where it means none.

    >>> condition_of("Status=Complete"), condition_of("Priority>=3").operator, condition_of("Status")
    (Condition(column='Status', operator='=', value='Complete'), '>=', None)
    """
    found = _CONDITION.fullmatch(text)
    return Condition(found[1], found[2], found[3]) if found else None


def in_pattern(text: str) -> str:
    """A pattern of LIKE that finds the text anywhere, whatever signs it is made of; the escape is a bar.

    >>> in_pattern("50%_|")
    '%50|%|_||%'
    """
    return "%" + re.sub(r"([%_|])", r"|\1", text) + "%"
