"""What goes back: the committed outcome under its true status, and one error body for every way to fail.

{"Error": text, "Code": word, "RequestID": id, ...details}
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson
import redis
import structlog
from flask import Flask, Response, current_app, request
from flask.json.provider import JSONProvider
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.asking import Blueprint, idempotency_key, judge, preference, request_id
from app.dispatch import dispatcher
from app.paging import Cursor, PageWire, page_of
from app.refusing import refuse
from app.who import actor as actor_of_request
from schema.base import Actor, Command
from schema.errors import CODES, OutcomeUnknown, UltravisorError
from schema.outcome import Done, Outcome

__all__ = ["Blueprint", "Cursor", "PageWire", "carry_out", "failure", "outcome_of", "page_of", "refuse", "reply", "shown", "tagged"]

log = structlog.get_logger()

#: Seconds after which a client may try again, by code.
RETRY_AFTER = {"no_beacon": 5, "outcome_unknown": 1, "unavailable": 2, "overloaded": 2, "not_ready": 2}

#: HTTP status -> the code of a failure that Flask and not we found.
_CODE_OF = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    410: "gone",
    412: "stale",
    413: "too_large",
    415: "not_json",
    422: "invalid",
    429: "admission_denied",
    503: "unavailable",
}


class Json(JSONProvider):
    """orjson: compact, UTF-8, times in ISO-8601; what it does not know is a mistake of ours and raises."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return shown(self._prepare_response_obj(args, kwargs))


def shown(value: Any, status: int = 200) -> Response:
    """The value as a JSON response."""
    return current_app.response_class(orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS), status, mimetype="application/json")


def error_body(code: str, text: str | None, id: str, details: dict[str, Any] | None = None) -> bytes:
    """The one form of every failure."""
    return orjson.dumps({"Error": text or CODES[code][1], "Code": code, "RequestID": id, **(details or {})})


def failure(code: str, text: str | None = None, *, status: int | None = None, headers: dict[str, str] | None = None, **details: Any) -> Response:
    """A failure as a response; without `text` it says what the table of codes says."""
    response = current_app.response_class(error_body(code, text, request_id(), details), status or CODES[code][0], mimetype="application/json")
    retry = details.get("RetryAfterSeconds", RETRY_AFTER.get(code))
    if retry is not None:
        response.headers["Retry-After"] = str(retry)
    response.headers.update(headers or {})
    return response


def reply(outcome: Outcome) -> Response:
    """An outcome under its status."""
    if isinstance(outcome, Done):
        return shown(outcome.value, outcome.status)
    return failure(outcome.code, outcome.text, **outcome.details)


def outcome_of(command: Command, actor: Actor | None = None, keyed: bool = True) -> Outcome:
    """The committed outcome, for an order that shows more or less than it. Heeds Prefer: wait and, unless told otherwise, Idempotency-Key.

    Raises as `dispatch` does.
    """
    key = idempotency_key() if keyed else None
    return dispatcher().dispatch(command, actor=actor or actor_of_request(), key=key, wait=preference().wait, request_id=request_id())


def carry_out(command: Command, actor: Actor | None = None) -> Response:
    """The command's committed outcome as a response; 202 and a receipt for those who prefer not to wait for it.

    `Prefer: respond-async, wait=3` waits 3 s for the outcome before it answers 202.
    """
    prefers = preference()
    if not prefers.respond_async or command.repeatable:  # which keeps no receipt where the outcome could be asked for
        return reply(outcome_of(command, actor))
    if prefers.wait:
        try:
            return reply(outcome_of(command, actor))
        except OutcomeUnknown as unknown:
            if not unknown.evidence["appended"]:
                raise
            return _accepted(unknown.evidence["receipt"], unknown.evidence["key"])
    return _accepted(*dispatcher().submit(command, actor=actor or actor_of_request(), key=idempotency_key(), request_id=request_id()))


def _accepted(receipt: str, key: str) -> Response:
    """202 promises the journal, not SQL."""
    response = shown({"Receipt": address_of(receipt), "IdempotencyKey": key}, 202)
    response.headers["Location"] = address_of(receipt)
    response.headers["Preference-Applied"] = "respond-async"
    return response


def address_of(receipt: str) -> str:
    """Where the outcome can be asked for once it is settled."""
    return f"/api/receipts/{receipt}"


def tagged(value: Any, tag: str | None = None) -> Response:
    """The value with an ETag (`tag`, else a digest of the body); 304 without a body to those who have it already."""
    response = shown(value)
    response.set_etag(tag or sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response


def register(app: Flask) -> None:
    """Every failure of this app has the one error body."""
    app.json = Json(app)
    app.before_request(judge)
    app.register_error_handler(UltravisorError, _on_ours)
    app.register_error_handler(redis.ConnectionError, _on_broker)
    app.register_error_handler(redis.TimeoutError, _on_broker)
    app.register_error_handler(Exception, _on_defect)
    app.register_error_handler(HTTPException, on_http)


def _on_ours(error: UltravisorError) -> Response:
    if CODES[error.code][0] == 500:
        return _on_defect(error)
    details = error.evidence
    if isinstance(error, OutcomeUnknown):
        kept = {"Receipt": address_of(details["receipt"])} if details["receipt"] else {}
        details = kept | {"IdempotencyKey": details["key"]}
    return failure(error.code, error.text, **details)


def _on_broker(error: Exception) -> Response:
    log.warning("broker_lost", request_id=request_id(), error=repr(error))
    return failure("unavailable", "The broker does not answer.")


def _on_defect(error: Exception) -> Response:
    log.error("request_failed", request_id=request_id(), method=request.method, route=str(request.url_rule), exc_info=error)
    return failure("internal")


def on_http(error: HTTPException) -> Response:
    """What Flask and werkzeug find: unknown path, wrong method, unreadable request."""
    status = error.code or 500
    if status >= 500 and status not in _CODE_OF:
        return _on_defect(getattr(error, "original_exception", None) or error)
    headers = {"Allow": ", ".join(sorted(error.valid_methods or ()))} if isinstance(error, MethodNotAllowed) else {}
    return failure(_CODE_OF.get(status, "bad_request"), None, status=status, headers=headers)
