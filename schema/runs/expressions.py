"""Expressions that people write into graphs: arithmetic, comparisons and a few functions over the values of a run, and nothing else.

A text is parsed and walked by `simpleeval`, which knows no attribute of any object, no import and no loop. Lengths, powers and texts
are bounded, so an expression takes microseconds or fails.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import simpleeval

from schema.runs.rules.address import Scope

#: Characters of one expression.
LONGEST = 4_000
#: Digits of the largest whole number that may come of one, and characters of the longest text.
MOST_DIGITS, LONGEST_TEXT = 1_000, 100_000

FUNCTIONS: Mapping[str, Any] = {
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "int": int,
    "float": float,
    "str": str,
    "len": len,
    "max": max,
    "min": min,
    "round": round,
    "sqrt": math.sqrt,
    "sum": sum,
    "lower": lambda text: str(text).lower(),
    "upper": lambda text: str(text).upper(),
    "trim": lambda text: str(text).strip(),
}


def solved(expression: str, scope: Scope) -> Any:
    """The value of an expression. Names are Operation, Global, Output and what lies in the operation's and the global state.

    Raises ValueError for what is no expression, or asks for too much.
    """
    if len(expression) > LONGEST:
        raise ValueError(f"an expression has at most {LONGEST} characters")
    names = {**scope.global_state, **scope.operation_state}
    names |= {"Operation": dict(scope.operation_state), "Global": dict(scope.global_state), "Output": dict(scope.output)}
    names |= {"true": True, "false": False, "null": None}
    names["TaskOutput"] = _Outputs(scope)
    try:
        value = simpleeval.SimpleEval(functions=dict(FUNCTIONS), names=names, operators=_OPERATORS).eval(expression)
    except Exception as error:  # noqa: BLE001 - whatever operators raise, it is the expression that does not fit its values
        raise ValueError(f"{expression[:80]!r}: {error}") from None
    return _bounded(value)


class _Outputs(dict[str, Any]):
    """Outputs of nodes, looked up as they are named."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope

    def __missing__(self, hash: str) -> Any:
        return dict(self._scope.outputs(hash) or {})


def _power(base: Any, exponent: Any) -> Any:
    if abs(exponent) > 1_000 or abs(base) > 1_000_000:
        raise ValueError("the power is too large")
    return base**exponent


def _times(left: Any, right: Any) -> Any:
    for text, count in ((left, right), (right, left)):
        if isinstance(text, str | list) and isinstance(count, int) and len(text) * count > LONGEST_TEXT:
            raise ValueError("the text is too long")
    return _bounded(left * right)


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > MOST_DIGITS * 3:
        raise ValueError("the number is too large")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise ValueError("the text is too long")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("the result is no number")
    return value


def _operators() -> dict[Any, Any]:
    import ast  # the operators are told apart by the parser's own classes

    return {**simpleeval.DEFAULT_OPERATORS, ast.Pow: _power, ast.Mult: _times}


_OPERATORS = _operators()
