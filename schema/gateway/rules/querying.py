"""A query as a tree of JSON: tables, joins, conditions, groups, order, a page. Nothing of it is ever SQL; what it names is looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schema.gateway.rules.filters import OPERATORS, WITHOUT_VALUE

#: Rows where nobody says how many, and at most; seconds likewise.
USUAL_ROWS, MOST_ROWS = 500, 100_000
USUAL_SECONDS, MOST_SECONDS = 3, 30
MOST_TABLES, MOST_COLUMNS, MOST_CONDITIONS, MOST_VALUES, DEEPEST = 8, 200, 200, 1_000, 12
FUNCTIONS = {"sum": "sum", "count": "count", "mean": "avg", "avg": "avg", "min": "min", "max": "max"}
#: The column that a join adds where its projection lacks the one by which it is paged.
CURSOR = "_dbkj_cursor"

_NAME = re.compile(r"[A-Za-z_]\w{0,127}", re.ASCII)
_TABLE = re.compile(r"[A-Za-z_][\w ]{0,79}(?:\.[A-Za-z_][\w ]{0,79})?", re.ASCII)
_PROJECTED = re.compile(r"\{~D:(Record|Related)\.([A-Za-z_]\w{0,127})~\}", re.ASCII)


class BadQuery(ValueError):
    """The query cannot be understood."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table under a name. `on` are pairs of fields that must be equal; none for the first one."""

    table: str
    alias: str
    left: bool = False
    on: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """A column of the result: a field, or a function of one; `*` is counted only."""

    name: str
    field: str
    function: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison, or several: `word` is an operator, `And`, `Or` or `Not`."""

    word: str
    field: str = ""
    values: tuple[Any, ...] = ()
    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood. `order` is (output or field, descending); `after` has a value for each of it."""

    sources: tuple[Source, ...]
    outputs: tuple[Output, ...]
    where: Condition | None = None
    groups: tuple[str, ...] = ()
    having: Condition | None = None
    order: tuple[tuple[str, bool], ...] = ()
    limit: int = USUAL_ROWS
    offset: int = 0
    after: tuple[Any, ...] | None = None
    distinct: bool = False
    seconds: int = USUAL_SECONDS

    def tables(self) -> list[str]:
        """The names of its tables."""
        return sorted({source.table for source in self.sources})


@dataclass(slots=True)
class _Count:
    """How many conditions there are by now."""

    left: int = MOST_CONDITIONS
    known: set[str] = field(default_factory=set)


def query_of(tree: Mapping[str, Any]) -> Query:
    """What the tree means. Raises BadQuery."""
    strange = set(tree) - {*("From", "Joins", "Select", "Where", "GroupBy", "Having", "OrderBy", "Limit", "Offset", "After", "Distinct", "Seconds")}
    if strange:
        raise BadQuery(f"{min(strange)} is no part of a query.")
    outputs, count = tuple(map(_output, _listed(tree, "Select", MOST_COLUMNS))), _Count()
    if len({output.name for output in outputs}) < len(outputs):
        raise BadQuery("Two columns of the result have one name: give one another with As.")
    after = tree.get("After")
    order = tuple(map(_sort, _listed(tree, "OrderBy", MOST_COLUMNS)))
    if after is not None and (not isinstance(after, list) or len(after) != len(order) or not order or any(isinstance(v, dict | list) for v in after)):
        raise BadQuery("After has one value for each column of OrderBy.")
    return Query(
        sources=tuple(_sources(tree)),
        outputs=outputs,
        where=_condition(tree["Where"], count) if tree.get("Where") else None,
        groups=tuple(_field(name) for name in _listed(tree, "GroupBy", MOST_COLUMNS)),
        having=_condition(tree["Having"], count) if tree.get("Having") else None,
        order=order,
        limit=_number(tree, "Limit", USUAL_ROWS, 1, MOST_ROWS),
        offset=_number(tree, "Offset", 0, 0, 10_000_000),
        after=None if after is None else tuple(after),
        distinct=bool(tree.get("Distinct")),
        seconds=_number(tree, "Seconds", USUAL_SECONDS, 1, MOST_SECONDS),
    )


def _listed(tree: Mapping[str, Any], name: str, most: int) -> Sequence[Any]:
    given = tree.get(name) or []
    if not isinstance(given, list) or len(given) > most:
        raise BadQuery(f"{name} must be an array of at most {most}.")
    return given


def _number(tree: Mapping[str, Any], name: str, usual: int, least: int, most: int) -> int:
    given = tree.get(name)
    if given is None:
        return usual
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        raise BadQuery(f"{name} must be a whole number from {least} to {most}.")
    return given


def _field(name: Any) -> str:
    """`Column` or `alias.Column`."""
    if not isinstance(name, str) or not all(_NAME.fullmatch(part) for part in name.split(".", 1)):
        raise BadQuery(f"{name!r} is no name of a column.")
    return name


def _sources(tree: Mapping[str, Any]) -> Iterator[Source]:
    seen: set[str] = set()
    for place, given in enumerate([tree.get("From"), *_listed(tree, "Joins", MOST_TABLES - 1)]):
        told = {"Table": given} if isinstance(given, str) else given
        if not isinstance(told, Mapping) or not isinstance(told.get("Table"), str) or not _TABLE.fullmatch(told["Table"]):
            raise BadQuery("From and each of Joins must name a Table.")
        table, kind = told["Table"], told.get("Kind", "Inner")
        alias = told.get("As", table.rpartition(".")[2].replace(" ", "_"))
        if not isinstance(alias, str) or not _NAME.fullmatch(alias) or alias in seen:
            raise BadQuery(f"{alias!r} cannot be the name of a table here: give it another with As.")
        seen.add(alias)
        on = tuple(_pair(pair) for pair in _listed(told, "On", MOST_COLUMNS))
        if bool(on) != bool(place) or kind not in ("Inner", "Left"):
            raise BadQuery("Each of Joins has On, pairs of columns that must be equal, and a Kind of Inner or Left.")
        yield Source(table, alias, kind == "Left", on)


def _pair(pair: Any) -> tuple[str, str]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise BadQuery("On is an array of pairs of columns.")
    return _field(pair[0]), _field(pair[1])


def _output(given: Any) -> Output:
    if isinstance(given, str):
        return Output(_field(given).rpartition(".")[2], given)
    if not isinstance(given, Mapping):
        raise BadQuery("Select is an array of columns and of {Field, As} or {Function, Field, As}.")
    function = given.get("Function", "")
    if function and str(function).lower() not in FUNCTIONS:
        raise BadQuery(f"{function!r} is no function: Sum, Count, Mean, Avg, Min or Max.")
    word = FUNCTIONS[str(function).lower()] if function else ""
    name = "*" if given.get("Field") == "*" and word == "count" else _field(given.get("Field"))
    called = given.get("As", name.rpartition(".")[2] if not word else f"{function}_{name.replace('.', '_').replace('*', 'all')}")
    if not isinstance(called, str) or not _NAME.fullmatch(called):
        raise BadQuery(f"{called!r} cannot be the name of a column.")
    return Output(called, name, word)


def _sort(given: Any) -> tuple[str, bool]:
    if isinstance(given, Mapping):
        return _field(given.get("Field")), bool(given.get("Descending"))
    return _field(given), False


def _condition(given: Any, count: _Count, depth: int = 0) -> Condition:
    count.left -= 1
    if not isinstance(given, Mapping) or count.left < 0 or depth > DEEPEST:
        raise BadQuery(f"Conditions are objects, at most {MOST_CONDITIONS} and {DEEPEST} deep.")
    for word in ("And", "Or"):
        if word in given:
            return Condition(word, parts=tuple(_condition(part, count, depth + 1) for part in _listed(given, word, MOST_CONDITIONS)))
    if "Not" in given:
        return Condition("Not", parts=(_condition(given["Not"], count, depth + 1),))
    operator, value = given.get("Operator", "EQ"), given.get("Value")
    if operator not in OPERATORS:
        raise BadQuery(f"{operator!r} is no operator; they are {', '.join(OPERATORS)}.")
    values = value if isinstance(value, list) else [value]
    lists = operator in ("INN", "NIN")
    wrong = isinstance(value, list) != lists or len(values) > MOST_VALUES or any(one is None or isinstance(one, dict | list) for one in values)
    if operator not in WITHOUT_VALUE and wrong:
        raise BadQuery(f"{operator} needs {'an array of values' if lists else 'a value'}; for none there are IN and NN.")
    return Condition(operator, _field(given.get("Field")), () if operator in WITHOUT_VALUE else tuple(values))


def aggregate_tree(spec: Mapping[str, Any]) -> dict[str, Any]:
    """An AggregateSpec as a tree. Raises BadQuery."""
    made = []
    for one in _listed(spec, "Aggregates", MOST_COLUMNS):
        if not isinstance(one, Mapping):
            raise BadQuery("Aggregates is an array of {Source, Function, As}.")
        source, function = one.get("Source", one.get("Column")), one.get("Function", one.get("Op"))
        made.append({"Field": source, "Function": function or "?", **({"As": one["As"]} if one.get("As") else {})})
    if not made:
        raise BadQuery("An aggregate needs at least one of Aggregates.")
    groups = [_field(name) for name in _listed(spec, "GroupBy", MOST_COLUMNS)]
    sorts = _listed(spec, "OrderBy", MOST_COLUMNS) if isinstance(spec.get("OrderBy"), list) else [spec["OrderBy"]] if spec.get("OrderBy") else []
    return {"From": spec.get("Table"), "Select": [*groups, *made], "GroupBy": groups, "OrderBy": sorts, "Limit": MOST_ROWS, "Seconds": MOST_SECONDS}


def join_tree(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A JoinSpec as a tree, of `Record` and `Related`. Raises BadQuery."""
    on, projection, order = spec.get("JoinOn"), spec.get("Projection"), spec.get("OrderBy")
    if not isinstance(on, Mapping) or not isinstance(projection, Mapping) or not projection or not isinstance(order, str):
        raise BadQuery("A join needs JoinOn, Projection and OrderBy.")
    if "AfterValue" in spec and spec.get("Offset") is not None:
        raise BadQuery("A join is paged by AfterValue or by Offset, not by both.")
    selected: list[dict[str, str]] = []
    for name, text in projection.items():
        found = _PROJECTED.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise BadQuery(f"{name}: a projection is {{~D:Record.<field>~}} or {{~D:Related.<field>~}}.")
        selected.append({"Field": f"{found[1]}.{found[2]}", "As": name})
    key = f"Record.{_field(order)}" if "." not in order else _field(order)
    if not any(one["Field"] == key for one in selected):
        selected.insert(0, {"Field": key, "As": CURSOR})
    after = spec.get("AfterValue")
    equal = [f"Record.{on.get('SourceField')}", f"Related.{on.get('RelatedField')}"]
    return {
        "From": {"Table": spec.get("Table"), "As": "Record"},
        "Joins": [{"Table": spec.get("RelatedTable"), "As": "Related", "On": [equal]}],
        "Select": selected,
        "OrderBy": [key],
        "Limit": USUAL_ROWS if spec.get("Limit") is None else spec["Limit"],
        "Offset": spec.get("Offset") or 0,
        "Seconds": MOST_SECONDS,
        **({} if after is None else {"After": [after]}),
    }


def join_outputs(tree: Mapping[str, Any], spec: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """What a join answers, with where its next page begins."""
    (key,) = tree["OrderBy"]
    name = next(one["As"] for one in tree["Select"] if one["Field"] == key)
    rows = found["Rows"]
    last = rows[-1][name] if rows else spec.get("AfterValue")
    told = {key: found[key] for key in ("Rows", "RowCount", "ElapsedMs", "SQL")}
    return {**told, "Offset": spec.get("Offset") or 0, "AfterValue": last, "CursorField": name}
