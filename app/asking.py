"""What a request says beside its path: body, key, preferences, id. Each is judged here, once, and a bad one is refused before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import flask_smorest
import marshmallow as ma
import orjson
import uuid_utils
from flask import Request, current_app, request
from webargs.flaskparser import FlaskParser

from app.refusing import refuse
from schema.settings import Settings

#: Where the request's id lies in the WSGI environment; `app.guard` puts it there.
REQUEST_ID = "ultravisor.request_id"

#: Set there for a request whose body its route reads piece by piece.
STREAMED = "ultravisor.streamed"

#: Where its parsed body lies: it is looked at twice.
_BODY = "ultravisor.body"

#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

#: The longest wait that a request may prefer, in seconds.
LONGEST_WAIT = 60

_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def fresh_or(given: str | None) -> str:
    """The request id that the caller gave, a new one when it gave none or one that does not belong into a log."""
    return given if given is not None and _REQUEST_ID.fullmatch(given) else str(uuid_utils.uuid7())


def request_id() -> str:
    """The id under which this request is logged and answered."""
    id: str = request.environ.get(REQUEST_ID) or request.environ.setdefault(REQUEST_ID, fresh_or(request.headers.get("X-Request-ID")))
    return id


def idempotency_key() -> str | None:
    """The caller's key: the same key again gives the same outcome again, and one change."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        refuse("bad_request", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return key


@dataclass(frozen=True, slots=True)
class Preference:
    """What the header Prefer asks for. `wait` None: as long as the settings say."""

    wait: float | None = None
    respond_async: bool = False


_NONE = Preference()


def preference() -> Preference:
    """`Prefer: wait=n` and `Prefer: respond-async`; preferences that we do not know are none of our business."""
    header = request.headers.get("Prefer")
    if header is None:
        return _NONE
    named = {name.strip().lower(): value.strip().strip('"') for name, _, value in (part.partition("=") for part in header.split(","))}
    wait = named.get("wait")
    if wait is not None and not (wait.isascii() and wait.isdigit() and int(wait) <= LONGEST_WAIT):
        refuse("bad_request", f"Prefer: wait must be a whole number of seconds from 0 to {LONGEST_WAIT}.")
    return Preference(None if wait is None else float(wait), "respond-async" in named)


def judge() -> None:
    """Refuse an address that cannot be stored, and an unsafe request whose body, key or preferences make no sense, whoever looks at them later."""
    if request.routing_exception is None and _has_nul_in_address():
        refuse("bad_request", "The address has the character U+0000, which cannot be stored.")
    if request.method not in SAFE and request.routing_exception is None:
        if not request.environ.get(STREAMED):
            body()
        idempotency_key()
        preference()


def _has_nul_in_address() -> bool:
    """PostgreSQL takes no such text, neither to look for it nor to keep it; in an order it would come back from the writer again and again."""
    return "\0" in request.path or any("\0" in text for pair in request.args.items(multi=True) for text in pair)


def body() -> Any:
    """The JSON body; none counts as an empty object, whatever Content-Type says and whether or not there is a length."""
    if _BODY not in request.environ:
        request.environ[_BODY] = _body()
    return request.environ[_BODY]


def _body() -> Any:
    data = request.get_data()
    if not data or data.isspace():
        return {}
    if not request.is_json:
        refuse("not_json")
    settings: Settings = current_app.config["SETTINGS"]
    try:
        return parsed(data, settings.most_nested)
    except ValueError as error:
        refuse("bad_json", f"The body cannot be taken: {error}.")


def parsed(data: bytes, most_nested: int) -> Any:
    """JSON as it is kept. Raises ValueError, saying why, for what is no JSON and for what no column could hold."""
    value = orjson.loads(data)
    # Counting is quick, and most values have fewer brackets than they may have levels.
    if data.count(b"{") + data.count(b"[") > most_nested and is_deeper(value, most_nested):
        raise ValueError(f"it is nested deeper than {most_nested} levels")
    if b"\\u0000" in data and has_nul(value):
        raise ValueError("it has a text with the character U+0000, which cannot be stored")
    return value


def is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and lists lie in each other more than so many times. Without recursion: that is what depth would break."""
    level = [value]
    for _ in range(levels + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return False
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return True


def has_nul(value: Any) -> bool:
    """Whether a text in it holds U+0000, which PostgreSQL does not store."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(has_nul, value))


class Parser(FlaskParser):
    """webargs with our rules for bodies and our words for what is wrong."""

    def _raw_load_json(self, req: Request) -> Any:
        return body()

    def handle_error(self, error: ma.ValidationError, req: Request, schema: ma.Schema, **_: Any) -> NoReturn:
        found = error.normalized_messages()  # type: ignore[no-untyped-call]  # marshmallow left it so
        refuse("invalid", Fields=dict(_paths(found)))


def _paths(messages: Any) -> Iterator[tuple[str, list[str]]]:
    """Each wrong field once: `Settings.Timeout`, `Items.0.Name`; a form as a whole is called `*`."""
    for form in messages.values():
        yield from _below("", form)


def _below(path: str, found: Any) -> Iterator[tuple[str, list[str]]]:
    if isinstance(found, dict):
        for name, inner in found.items():
            yield from _below(path if name == "_schema" else f"{path}.{name}" if path else str(name), inner)
    else:
        yield path or "*", [str(text) for text in found] if isinstance(found, list) else [str(found)]


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # it ships no types
    """The blueprint of every domain: bodies and queries are judged by our parser."""

    ARGUMENTS_PARSER = Parser()

    def arguments(self, schema: type[ma.Schema] | ma.Schema, **options: Any) -> Any:
        """As flask-smorest's, with the form made once and not for each request."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **options)
