"""The queue as people look for something in it: pages by position, with filters that no index serves.

A page looks through a bounded number of items and says where it stopped. So it costs the same among a thousand items and among a
million; what is rare takes several pages, and nobody waits for a question that walks them all. An index for each filter would cost
every enqueue and every report instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.reading import plain
from schema.hub.rules.lifecycle import STATUSES
from schema.hub.tables import IS_PENDING, work_item
from schema.sql import wire_time

Row = dict[str, Any]
Position = Sequence[Any]

#: Items that one page looks through at most, and where their texts are read.
LOOKED_THROUGH, READ_THROUGH = 10_000, 4_000
#: Letters of settings and errors that a line of the board can use.
LETTERS = 600
#: From so many letters on a hash counts as whole.
WHOLE_HASH = 24

item = work_item.c
_SETTINGS = sa.cast(item.settings, sa.Text)
_PLAIN = (
    "work_item_hash",
    "run_id",
    "node_hash",
    "capability",
    "action",
    "status",
    "ticket",
    "rank",
    "assigned_beacon_id",
    "queue_wait_ms",
    "priority",
)
_MORE = ("attempt_number", "max_attempts", "cancel_requested", "cancel_reason", "submitter_tag", "affinity_key", "progress")
_TIMES = ("enqueued_at", "dispatched_at", "completed_at", "canceled_at", "due_at")
_COLUMNS = [
    *(item[name] for name in (*_PLAIN, *_MORE)),
    *(wire_time(item[name]) for name in _TIMES),
    sa.func.substr(_SETTINGS, 1, LETTERS).label("settings"),
    sa.func.substr(item.last_error, 1, LETTERS).label("last_error"),
]
#: Where a text is looked for.
_TEXTS = (item.work_item_hash, item.action, item.capability, item.last_error, item.submitter_tag, item.affinity_key, item.cancel_reason, _SETTINGS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items, and in which order: `newest`, `oldest`, or `next` (those that wait for a beacon, in the order of dispatch)."""

    statuses: tuple[str, ...] = STATUSES
    capability: str = ""
    action: str = ""
    beacon: str = ""
    run: str = ""
    text: str = ""
    order: str = "newest"

    @property
    def by_hash(self) -> bool:
        """Whether the text is a whole hash, which needs no looking."""
        return self.text.startswith("wi-") and len(self.text) >= WHOLE_HASH

    @property
    def window(self) -> int:
        """How many items are looked through; 0 where every item that is looked at is shown."""
        if self.by_hash:
            return 0
        if self.text:
            return READ_THROUGH
        some = self.run and set(self.statuses) != set(STATUSES)
        return LOOKED_THROUGH if self.capability or self.action or self.beacon or some else 0


class Page(NamedTuple):
    """Rows; where to go on, None at the end; and whether it stopped because it had looked through enough."""

    rows: list[Row]
    after: Position | None
    stopped: bool


def page(hub: str, wanted: Wanted, limit: int, after: Position | None) -> Page:
    """The next `limit` items after a position, or fewer and the position up to which it has looked."""
    shape = _Shape(wanted, after is not None)
    values: dict[str, Any] = {"of_hub": hub, "most": limit + 1, "window": max(0, wanted.window - 1)}
    values |= {name: getattr(wanted, name) for name in ("capability", "action", "beacon", "run") if getattr(wanted, name)}
    if wanted.text:
        values |= {"hash": wanted.text} if wanted.by_hash else {"like": _like(wanted.text)}
    if after is not None:
        values |= {f"after_{place}": value for place, value in enumerate(after)}
    last = _last(shape, values) if wanted.window else None
    if last is not None:
        values |= {f"last_{place}": value for place, value in enumerate(last)}
    rows = plain(_statement(shape, last is not None), values)
    if len(rows) > limit:
        return Page(rows[:limit], _position(wanted, rows[limit - 1]), False)
    return Page(rows, last, last is not None)


def _position(wanted: Wanted, row: Row) -> Position:
    return [row["rank"], row["ticket"]] if wanted.order == "next" else [row["ticket"]]


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


class _Shape(NamedTuple):
    """What a statement depends on."""

    wanted: Wanted
    resumed: bool

    @property
    def legs(self) -> tuple[str, ...]:
        """One state at a time, each by its index; all at once by age where that is what is wanted, or where a run is."""
        if self.wanted.order == "next":
            return ("Pending",)
        return ("",) if self.wanted.run or set(self.wanted.statuses) == set(STATUSES) else self.wanted.statuses


def _last(shape: _Shape, values: Row) -> Position | None:
    """The position up to which the window reaches; None when it reaches to the end."""
    found = plain(_window(_reduced(shape)), values)
    ends = [row for row in found if row["ticket"] is not None]
    if not ends:
        return None
    if shape.wanted.order == "next":
        return [ends[0]["rank"], ends[0]["ticket"]]
    tickets = [row["ticket"] for row in ends]
    return [min(tickets) if shape.wanted.order == "oldest" else max(tickets)]


def _reduced(shape: _Shape) -> _Shape:
    """The shape without what a window does not depend on, so that its statement is made once."""
    wanted = shape.wanted
    return _Shape(Wanted(wanted.statuses, run="x" if wanted.run else "", order=wanted.order), shape.resumed)


@lru_cache(maxsize=256)
def _window(shape: _Shape) -> sa.Select[Any]:
    legs = [_leg([item.ticket, item.rank], shape, status).offset(sa.bindparam("window")).limit(1).subquery() for status in shape.legs]
    each = [sa.select(leg.c.ticket, leg.c.rank) for leg in legs]
    return sa.select(sa.union_all(*each).subquery()) if len(each) > 1 else each[0]


def _statement(shape: _Shape, ends: bool) -> sa.Select[Any]:
    """The page's question; those who ask for the same kinds of filter share it."""
    wanted = shape.wanted
    named = {name: "x" if getattr(wanted, name) else "" for name in ("capability", "action", "beacon", "run")}
    text = "wi-".ljust(WHOLE_HASH, "x") if wanted.by_hash else "x" if wanted.text else ""
    return _made(_Shape(Wanted(wanted.statuses, text=text, order=wanted.order, **named), shape.resumed), ends)


@lru_cache(maxsize=512)
def _made(shape: _Shape, ends: bool) -> sa.Select[Any]:
    legs = [_filtered(_leg(_COLUMNS, shape, status), shape, ends).limit(sa.bindparam("most")) for status in shape.legs]
    if len(legs) == 1:
        return legs[0]
    found = sa.union_all(*(sa.select(leg.subquery()) for leg in legs)).subquery()
    order = found.c.ticket if shape.wanted.order == "oldest" else found.c.ticket.desc()
    return sa.select(found).order_by(order).limit(sa.bindparam("most"))


def _leg(columns: Sequence[Any], shape: _Shape, status: str) -> sa.Select[Any]:
    """Items in order, from the position on."""
    order = shape.wanted.order
    of = sa.select(*columns).where(item.hub == sa.bindparam("of_hub"))
    if shape.wanted.run:
        of = of.where(item.run_id == sa.bindparam("run"))
    if order == "next":
        of = of.where(IS_PENDING).order_by(item.rank, item.ticket)
        return of.where(_beyond("after")) if shape.resumed else of
    if status:
        of = of.where(item.status == status)
    if shape.resumed:
        after = _given("after_0")
        of = of.where(item.ticket > after if order == "oldest" else item.ticket < after)
    return of.order_by(item.ticket if order == "oldest" else item.ticket.desc())


def _given(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name)


def _beyond(name: str) -> sa.ColumnElement[bool]:
    rank, ticket = _given(f"{name}_0"), _given(f"{name}_1")
    return sa.and_(item.rank >= rank, sa.or_(item.rank > rank, item.ticket > ticket))


def _filtered(of: sa.Select[Any], shape: _Shape, ends: bool) -> sa.Select[Any]:
    wanted = shape.wanted
    if ends:
        of = of.where(_up_to(wanted.order))
    if wanted.run and set(wanted.statuses) != set(STATUSES):
        of = of.where(item.status.in_(wanted.statuses))
    if wanted.capability:
        of = of.where(item.capability == sa.bindparam("capability"))
    if wanted.action:
        of = of.where(item.action == sa.bindparam("action"))
    if wanted.beacon:
        # Dressed up, so that no engine takes the index of holders for it and sorts all that one of them ever did.
        of = of.where(sa.func.coalesce(item.assigned_beacon_id, "") == sa.bindparam("beacon"))
    if wanted.by_hash:
        return of.where(item.work_item_hash == sa.bindparam("hash"))
    if wanted.text:
        return of.where(sa.or_(*(text.ilike(sa.bindparam("like"), escape="\\") for text in _TEXTS)))
    return of


def _up_to(order: str) -> sa.ColumnElement[bool]:
    last = _given("last_0")
    if order == "next":
        ticket = _given("last_1")
        return sa.and_(item.rank <= last, sa.or_(item.rank < last, item.ticket <= ticket))
    return item.ticket <= last if order == "oldest" else item.ticket >= last
