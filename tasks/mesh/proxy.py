"""MeadowProxy.Request: a request for records, judged, carried out by the same commands as over HTTP, and written down."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson
import structlog

from schema.base import ANONYMOUS, Actor, Command
from schema.errors import CODES
from schema.gateway.commands import Change, NoteRequest
from schema.gateway.rules import requests as rules
from schema.gateway.rules.proxied import judge, reach, slug_and_request
from schema.gateway.rules.requests import SAFE, Answer, Request, Unmeant
from schema.outcome import Done, Refused
from tasks.mesh import tables
from tasks.mesh.errand import Errand, Failed
from tasks.mesh.reach import reach_of

log = structlog.get_logger()

Outputs = dict[str, Any]

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
#: Names under which a claim of identity says that nobody is meant.
_NOBODY = ("", "anonymous", "ultravisor-system", "system")


def request(errand: Errand) -> Outputs:
    """Status, headers and body as HTTP would have them. What may not be asked fails the item; both are written down. Raises Failed."""
    method = errand.settings.get("Method")
    if not isinstance(method, str) or not method:
        raise Failed("MeadowProxy: Method is required.")
    method = method.upper()
    subject = method[:16]
    try:
        actor, user = _who(errand)
        slug, asked = slug_and_request(method, str(errand.settings.get("Path") or ""), _body(errand, method), _tag(errand), user)
        subject = f"{method[:16]} {reach(slug, asked)}"
        may = reach_of(errand)
        judge(slug, asked, may.patterns, may.writes)
    except Unmeant as error:
        _note(errand, subject, "refused", {"Code": error.refused.code, "Reason": error.refused.text})
        raise Failed(error.refused.text, refused=True) from error
    status, headers, body = _answered(errand, slug, asked, actor)
    if len(body) > errand.kernel.settings.max_result:
        status, headers, body = _failure(Refused("too_large", "The answer is larger than UV_MAX_RESULT. Ask for a smaller page."))
    log.info("proxied", method=method, path=reach(slug, asked), status=status, actor=str(actor))
    if method not in SAFE:
        _note(errand, subject, "done" if status < 400 else "declined", {"Status": status, "As": str(actor)})
    return {"Status": status, "Headers": headers, "Body": body}


def _who(errand: Errand) -> tuple[Actor, int]:
    """In whose name it is done. Somebody known acts for nobody else; where nobody is known, the item's word counts. Raises Unmeant."""
    said, session = str(errand.settings.get("RemoteUser") or "")[:128], errand.settings.get("Session")
    number = session.get("UserID") if isinstance(session, dict) else None
    number = number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**31 else 0
    known = errand.submitter
    if known.user:
        if said not in (*_NOBODY, known.actor.id.partition("/")[0]) or number not in (0, known.user):
            raise Unmeant("forbidden", "MeadowProxy: this item may not act for another user.")
        return known.actor, known.user
    return (ANONYMOUS if said in _NOBODY else Actor("user", said)), number


def _body(errand: Errand, method: str) -> Any:
    given = errand.settings.get("Body")
    if method in SAFE:
        return None
    if isinstance(given, str):
        if len(given) > errand.kernel.settings.max_result:
            raise Unmeant("too_large", "MeadowProxy: the body is too large.")
        try:
            return orjson.loads(given) if given.strip() else {}
        except orjson.JSONDecodeError:
            raise Unmeant("bad_json", "MeadowProxy: the body is not JSON.") from None
    return {} if given is None else given


def _tag(errand: Errand) -> str:
    given = errand.settings.get("IfMatch")
    return given.removeprefix("W/").strip('"') if isinstance(given, str) and given != "*" else ""


def _answered(errand: Errand, slug: str, asked: Request, actor: Actor) -> tuple[int, dict[str, str], str]:
    try:
        found = tables.served_at(errand, slug, asked.names())
    except Failed as error:
        return _failure(Refused("not_connected", str(error)))
    if found is None:
        return _failure(Refused("not_found", f"There is no connection at /1.0/{slug}."))
    try:
        meant = rules.meant(asked, found)
        wish: Command | Answer = rules.wish(meant)
    except Unmeant as error:
        return _failure(error.refused)
    if isinstance(wish, Answer):
        return _shown(wish)
    outcome = errand.outcome(wish, actor if isinstance(wish, Change) else None)
    return _shown(rules.answer(meant, outcome)) if isinstance(outcome, Done) else _failure(outcome)


def _shown(answer: Answer) -> tuple[int, dict[str, str], str]:
    body = orjson.dumps(answer.value, option=_OPTIONS)
    tag = {"ETag": f'"{sha256(body).hexdigest()[:32]}"'} if answer.tagged else {}
    return 200, {"Content-Type": "application/json", **tag, **answer.headers}, body.decode()


def _failure(refused: Refused) -> tuple[int, dict[str, str], str]:
    body = {"Error": refused.text, "Code": refused.code, **refused.details}
    return CODES[refused.code][0], {"Content-Type": "application/json"}, orjson.dumps(body).decode()


def _note(errand: Errand, subject: str, outcome: str, details: dict[str, Any]) -> None:
    told = {"WorkItemHash": errand.item["WorkItemHash"], **details}
    errand.tell(NoteRequest(hub=errand.hub, subject=subject, outcome=outcome, details=told))
