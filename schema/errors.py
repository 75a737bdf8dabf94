"""Every way to fail, as a machine word with its HTTP status, and the exceptions of our own.

A *refusal* (what a user can cause) is an outcome, see `schema.outcome`; exceptions are for the edge of a process:
bad settings, a broker that does not answer, a database that is not ready.
"""

from __future__ import annotations

from typing import Any

#: code -> (HTTP status, what it means and what to do). The table in docs/reference/errors.md is checked against it.
CODES: dict[str, tuple[int, str]] = {
    "bad_json": (400, "The body is not JSON. Send a JSON object with Content-Type: application/json."),
    "bad_request": (400, "The request cannot be understood. Check path, headers and query."),
    "bad_filter": (400, "The filter cannot be understood; Position says from which character on."),
    "unauthenticated": (401, "The caller is not known. Log in, or register the beacon again."),
    "forbidden": (403, "The caller may not do this."),
    "foreign_host": (403, "The Host header is not one of ours. Add it to UV_HOSTS if this address is meant to reach the hub."),
    "cross_origin": (403, "A page of another origin may not change anything here."),
    "not_found": (404, "There is no such thing at this address."),
    "method_not_allowed": (405, "The address exists, but not for this method. See the Allow header."),
    "conflict": (409, "The state of the thing does not allow it. Read it again."),
    "superseded": (409, "Another attempt or holder owns the item by now. The report is kept as evidence; drop the work."),
    "already_final": (409, "The item has already ended; a terminal state never changes."),
    "duplicate": (409, "Another row has this key already; Constraint names it. Change the key, or update that row."),
    "not_connected": (409, "The connection is not served. Connect it first."),
    "gone": (410, "The events asked for are older than what is kept. Read the current state and watch from there."),
    "stale": (412, "The thing was changed by somebody else since it was read. Read it again and repeat."),
    "too_large": (413, "The body is larger than the hub accepts (UV_MAX_BODY, for results of work UV_MAX_RESULT, for files UV_MAX_UPLOAD)."),
    "not_json": (415, "The body must be sent as application/json."),
    "invalid": (422, "The body has wrong or unknown fields. Fields lists them by path."),
    "unsupported": (422, "This database, or this release, cannot do that."),
    "wrong_digest": (422, "The content is not what its digest says. Nothing is kept; send it again."),
    "key_reused": (422, "This Idempotency-Key was used for another request. Use a new key for a new request."),
    "admission_denied": (429, "The hub takes no more work for now; Reason says why. Repeat after RetryAfterSeconds."),
    "stream_full": (429, "Whoever has the item streamed does not keep up. Nothing was noted; repeat after RetryAfterSeconds, or go on without it."),
    "work_failed": (500, "The item that was waited for has failed or was canceled; Status and Attempts are with the item."),
    "internal": (500, "The hub made a mistake; it is logged under the RequestID."),
    "defect": (500, "The command failed again and again and lies among the dead letters, where it can be replayed or discarded."),
    "target_unavailable": (502, "The database behind the connection does not answer. Nothing was changed; repeat later."),
    "no_beacon": (503, "No beacon offers this capability. Nothing was queued; repeat when one has joined."),
    "unavailable": (503, "A part that is needed does not answer. Nothing was accepted; repeat later."),
    "not_ready": (503, "The hub is not ready: the database lacks tables, see Missing. It becomes ready by itself."),
    "outcome_unknown": (503, "No answer in time. Outcome unknown, repeat with the same Idempotency-Key; repeating is always safe."),
    "overloaded": (503, "The journal is full, nothing was accepted. Repeat later."),
    "wait_over": (504, "The item has not ended within TimeoutMs. It goes on; repeat with the same Idempotency-Key to wait for it again."),
}


class UltravisorError(Exception):
    """Ultravisor cannot go on."""

    code = "internal"

    def __init__(self, text: str | None = None, **evidence: Any) -> None:
        super().__init__(text or (type(self).__doc__ or "").strip().splitlines()[0])
        self.evidence = evidence

    @property
    def text(self) -> str:
        return str(self.args[0])


class BadSettings(UltravisorError):
    """A setting has a value that cannot be used."""


class Unavailable(UltravisorError):
    """A part that is needed does not answer; nothing was accepted."""

    code = "unavailable"


class Overloaded(UltravisorError):
    """The journal is full; nothing was accepted."""

    code = "overloaded"


class OutcomeUnknown(UltravisorError):
    """No answer in time. Outcome unknown, repeat with the same Idempotency-Key; repeating is always safe."""

    code = "outcome_unknown"


class NotReady(UltravisorError):
    """The database is not at the schema that this release needs."""

    code = "not_ready"
