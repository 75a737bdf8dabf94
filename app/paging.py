"""Pages by position, never by count: a page starts after the last row of the one before, so rows that come and go move nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import marshmallow as ma
from flask import Response, jsonify, request

from schema.cursor import cursor_of, position_of

__all__ = ["NEXT", "Capped", "Cursor", "PageWire", "continued", "cursor_of", "page_of", "position_of"]

Row = TypeVar("Row")

#: Where the next page starts; absent on the last one. The body stays a bare array.
NEXT = "X-Next-Cursor"


class Cursor(ma.fields.Field[Any]):
    """A cursor that we gave out; deserializes to its position. `parts`: how many texts it is made of, None for a single one."""

    default_error_messages = {"invalid": "Not a cursor; take it from the header X-Next-Cursor."}  # noqa: RUF012 - marshmallow's own form

    def __init__(self, parts: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.parts = parts

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_: Any) -> Any:
        try:
            position = position_of(value)
        except (ValueError, AttributeError):
            raise self.make_error("invalid") from None
        texts = [position] if self.parts is None else position
        if not (isinstance(texts, list) and len(texts) == (self.parts or 1) and all(isinstance(text, str) for text in texts)):
            raise self.make_error("invalid")
        return position


class PageWire(ma.Schema):
    """Which page: `limit` rows after the cursor `after`."""

    limit = ma.fields.Integer(load_default=100, validate=ma.validate.Range(1, 1_000))
    after = Cursor(load_default=None)


def page_of(rows: Sequence[Row], limit: int, position: Callable[[Row], Any], show: Callable[[Row], Any]) -> Response:
    """The first `limit` rows as a bare array. Ask for one row more than `limit`: it is not shown, it tells that there is a next page."""
    response = jsonify([show(row) for row in rows[:limit]])
    return continued(response, rows, limit, position)


def continued(response: Response, rows: Sequence[Row], limit: int, position: Callable[[Row], Any]) -> Response:
    """The response with the way to the next page in its headers, where there are more rows than `limit`."""
    if len(rows) > limit:
        cursor = cursor_of(position(rows[limit - 1]))
        query = urlencode([*((name, value) for name, value in request.args.items(multi=True) if name != "after"), ("after", cursor)])
        response.headers[NEXT] = cursor
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


class Capped(ma.fields.Integer):
    """A whole number of at least `least`; one above `most` counts as `most`, as the original's lists have it."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        super().__init__(validate=ma.validate.Range(min=least), **options)
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> int:
        number = super()._deserialize(value, attr, data, **options)
        return min(number, self.most)
