"""The filter language, as it is understood before any table is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.gateway.rules.addresses import MOST_ROWS, Ask, readings
from schema.gateway.rules.filters import BadFilter, Compare, Group, Sort, escaped, parsed
from schema.gateway.rules.slug import slug_of

VALUES = st.text(max_size=40)


@given(VALUES)
def test_any_value_comes_through_escaped(value: str) -> None:
    filter = parsed(f"FBV~A~EQ~{escaped(value)}~FBV~B~EQ~1")
    assert filter.where == Group(((False, Compare("A", "EQ", (value,))), (False, Compare("B", "EQ", ("1",)))))


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_any_list_of_values_comes_through_escaped(values: list[str]) -> None:
    text = ",".join(escaped(value, in_list=True) for value in values)
    ((_, compare),) = parsed(f"FBL~A~INN~{text}").where.terms
    assert compare == Compare("A", "INN", tuple(values))


@given(st.text(alphabet="FBVOPCLJD~(),.\\AEQ01$", max_size=60))
def test_a_text_is_understood_or_refused_and_never_anything_else(text: str) -> None:
    position, empty = 0, False
    try:
        filter = parsed(text)
        empty = not (filter.where.terms or filter.sorts or filter.distinct)
    except BadFilter as error:
        position = error.position
    assert 0 <= position <= len(text)
    assert not empty or not text or "FOP" in text, "nothing that was said is passed over"


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("FBV~A~EQ", 0),
        ("FBV~A~EQ~1~FBV", 11),
        ("FBV~A~EQ~1~YYY~A~EQ~1", 11),
        ("FBV~A~LIKE~1", 0),
        ("FCP~0~)~0", 0),
        ("FOP~0~(~0~FBV~A~EQ~1", 10),
        ("FBJV~A~EQ~1", 0),
        ("FBV~1A~EQ~1", 0),
        ("FBL~A~GT~1,2", 0),
        ("FSF~A~SIDEWAYS~0", 0),
        ("FSJF~A.b~ASC~POINT", 0),
        ("~".join(["FOP~0~(~0"] * 30), 200),
        ("~".join(["FBV~A~EQ~1"] * 501), 5500),
        ("FBL~A~INN~" + "," * 1000, 0),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, position: int) -> None:
    with pytest.raises(BadFilter) as refused:
        parsed(text)
    assert refused.value.position == position


def test_groups_sorts_and_paths() -> None:
    filter = parsed("FBV~A~EQ~1~FOPOR~0~(~0~FBV~B~IN~0~FBJVOR~C.x.y~GT~2~FCP~0~)~0~FSF~A~DESC~0~FSJF~C$.n~ASC~UINT~FDST~0~0~0")
    inner = Group(((False, Compare("B", "IN")), (True, Compare("C", "GT", ("2",), ("x", "y")))))
    assert filter.where == Group(((False, Compare("A", "EQ", ("1",))), (True, inner)))
    assert filter.sorts == (Sort("A", True), Sort("C", False, ("n",), "UINT"))
    assert (filter.distinct, filter.columns()) == (True, {"A", "B", "C"})


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("Order/5", [Ask("Order", "row", ("5",))]),
        ("Orders", [Ask("Orders", "root"), Ask("Order", "rows")]),
        ("Orders/10/5", [Ask("Order", "rows", begin=10, cap=5, paged=True)]),
        ("Orders/0/99999999", [Ask("Order", "rows", cap=MOST_ROWS, paged=True)]),
        ("Orders/Count", [Ask("Orders", "row", ("Count",)), Ask("Order", "count")]),
        ("Orders/By/A/b", [Ask("Order", "rows", by=("A", "b"))]),
        ("Orders/Lite/FilteredTo/x/0/5", [Ask("Order", "lite", filter="x", cap=5, paged=True)]),
        ("OrderSelect/FilteredTo/x", [Ask("Order", "select", filter="x")]),
        ("Order/ByKey/A,B/1/2", [Ask("Order", "key", ("1", "2"), ("A", "B"))]),
        ("Order/Upserts/Detailed", [Ask("Order", "detailed")]),
        ("Order/a/b/c/d", []),
        ("", []),
    ],
)
def test_a_path_has_its_readings(path: str, meant: list[Ask]) -> None:
    assert readings(tuple(path.split("/"))) == tuple(meant)


@given(st.text(max_size=200))
def test_a_slug_is_made_of_few_characters_and_stays_what_it_is(name: str) -> None:
    slug = slug_of(name)
    assert len(slug) <= 64
    assert slug_of(slug) == slug
    assert not slug or (slug[0] != "-" and slug[-1] != "-" and set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"))
