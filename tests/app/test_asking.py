"""What a request may say, and what it may leave out."""

from __future__ import annotations

import marshmallow as ma
import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from app import asking
from app.asking import Preference
from app.paging import Cursor
from app.who import actor
from schema.base import ANONYMOUS, Actor
from schema.cursor import cursor_of, position_of
from schema.errors import UltravisorError


@pytest.mark.parametrize(
    ("header", "preference"),
    [
        ("", Preference()),
        ("wait=0", Preference(0.0)),
        ("wait=60", Preference(60.0)),
        ("respond-async", Preference(respond_async=True)),
        ("Respond-Async, WAIT = 5", Preference(5.0, True)),
        ('wait="7"', Preference(7.0)),
        ("return=minimal, handling=strict", Preference()),
    ],
)
def test_preferences(header: str, preference: Preference, app: Flask) -> None:
    with app.test_request_context("/", headers={"Prefer": header}):
        assert asking.preference() == preference


@pytest.mark.parametrize("data", [b"", b"  \r\n"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain", None])
def test_no_body_is_an_empty_object(data: bytes, kind: str | None, app: Flask) -> None:
    with app.test_request_context("/", method="DELETE", data=data, content_type=kind):
        assert asking.body() == {}


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/merge-patch+json"])
def test_json_is_json(kind: str, app: Flask) -> None:
    with app.test_request_context("/", method="POST", data=b'{"a": [1, "\\\\u0000"]}', content_type=kind):
        assert asking.body() == {"a": [1, "\\u0000"]}
        assert asking.body() is asking.body(), "looked at twice, parsed once"


@pytest.mark.parametrize("key", ["k", "x" * 255, "beacon:1/2 @+", "!~"])
def test_keys(key: str, app: Flask) -> None:
    with app.test_request_context("/", headers={"Idempotency-Key": key}):
        assert asking.idempotency_key() == key


def test_a_beacon_names_itself(app: Flask) -> None:
    with app.test_request_context("/"):
        assert actor() == ANONYMOUS
    with app.test_request_context("/", headers={"X-Beacon-ID": "bcn-one-17"}):
        assert actor() == Actor("beacon", "bcn-one-17")
    with app.test_request_context("/", headers={"X-Beacon-ID": "no id"}), pytest.raises(UltravisorError):
        actor()


def test_paths_of_nested_fields(client: FlaskClient, app: Flask) -> None:
    class Inner(ma.Schema):
        Name = ma.fields.String(required=True)

    class Outer(ma.Schema):
        Items = ma.fields.List(ma.fields.Nested(Inner))

    with app.test_request_context("/", method="POST", json={"Items": [{"Name": "a"}, {}, 7], "Odd": 1}), pytest.raises(UltravisorError) as refused:
        asking.Parser().parse(Outer(), request)
    assert refused.value.evidence["Fields"] == {
        "Items.1.Name": ["Missing data for required field."],
        "Items.2": ["Invalid input type."],
        "Odd": ["Unknown field."],
    }


@pytest.mark.parametrize("position", ["text", ["2025-01-02T03:04:05.678Z", "id"], "\N{SNOWMAN}"])
def test_a_cursor_gives_its_position_back(position: object) -> None:
    assert position_of(cursor_of(position)) == position


@pytest.mark.parametrize("cursor", ["", "@", "abc", "\N{SNOWMAN}", cursor_of(7), cursor_of(["a"]), cursor_of(["a", 7]), cursor_of(None)])
def test_what_was_never_a_cursor(cursor: str) -> None:
    form = ma.Schema.from_dict({"one": Cursor(), "two": Cursor(parts=2)})()
    with pytest.raises(ma.ValidationError) as refused:
        form.load({"one": cursor, "two": cursor})
    assert set(refused.value.normalized_messages()) == {"one", "two"}


@pytest.mark.parametrize("inner", [b"1", b"[]", b'{"b": [1, 2]}'])
def test_depth_is_measured_where_objects_and_lists_lie_in_each_other(inner: bytes) -> None:
    wide = b'{"a": [' + b",".join([inner] * 200) + b"]}"
    assert asking.parsed(wide, 4)
    deep = b'{"a":' * 90 + inner + b"}" * 90
    with pytest.raises(ValueError, match="nested deeper than 89 levels"):
        asking.parsed(deep, 89)
    assert asking.parsed(deep, 92)
    assert asking.is_deeper([[[]]], 2)
    assert not asking.is_deeper([[[]]], 3)


def test_what_is_too_deep_is_refused_before_anything_recurses(client: FlaskClient) -> None:
    for levels in (91, 300, 1_000, 100_000):
        body = b'{"Capability": "x", "Settings": ' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"
        answer = client.post("/Beacon/Work/Enqueue", data=body, content_type="application/json")
        assert (answer.status_code, answer.get_json()["Code"]) == (400, "bad_json"), levels
