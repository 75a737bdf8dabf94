"""The protocol over HTTP: JSON in, JSON out, one kept connection per thread."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.client import HTTPMessage
from typing import Any
from urllib.parse import quote, urlsplit

from beacon.files import ResultFile
from beacon.http_line import Line, Reply
from beacon.transport import Refused, ReportKind, Settled, Superseded, TransportError, UnknownBeacon, Unreachable, Wire

#: Silence after which a request counts as failed. The hub itself gives up waiting for a commit after 5 s and says so.
REQUEST_SECONDS = 30.0
#: The same for a file, of which each piece is committed before the next is read.
UPLOAD_SECONDS = 60.0
#: Added to the wait of a poll before silence counts as failure.
POLL_MARGIN_SECONDS = 10.0
#: A beacon that leaves does not stay for a hub that is gone.
LEAVE_SECONDS = 3.0
#: Answers that are the hub's own last word when they carry a JSON error; any other failure may be a proxy's or will pass.
FINAL = frozenset({400, 404, 410, 411, 413, 414, 415, 422})

#: U+0000 in a JSON text, not behind an odd number of backslashes. No database of the hub's keeps it; a program's output may well have it.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class HttpTransport:
    """Implements `beacon.transport.Transport`. Cookies that the hub sets are sent back until it empties them."""

    def __init__(self, server_url: str) -> None:
        self._server = urlsplit(server_url)
        self._prefix = self._server.path.rstrip("/")
        self._cookies: dict[str, str] = {}
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._lines: list[Line] = []
        self._polling: Line | None = None
        self._interrupted = False

    def heed(self, cancel: Callable[[list[str]], None]) -> None:
        """Over HTTP the hub's answers to heartbeats bring them."""

    def cookies(self) -> str:
        """What the hub has set, for a request of another kind."""
        return "; ".join(f"{name}={value}" for name, value in list(self._cookies.items()))

    def register(self, registration: Wire) -> Wire:
        return self._ask("POST", "/Beacon/Register", registration)

    def poll(self, beacon_id: str, wait_ms: int) -> Wire | None:
        self._polling = self._line()
        # After the line can be seen: `interrupt` sets the mark before it looks for the line.
        if self._interrupted:
            raise Unreachable("interrupted")
        answer = self._ask("POST", "/Beacon/Work/Poll", {"BeaconID": beacon_id, "waitMs": wait_ms}, wait_ms / 1000 + POLL_MARGIN_SECONDS)
        item = answer.get("WorkItem")
        return item if isinstance(item, dict) else None

    def report(self, kind: ReportKind, work_item_hash: str, body: Wire, key: str | None) -> None:
        self._ask("POST", f"/Beacon/Work/{quote(work_item_hash, safe='')}/{kind}", body, key=key)

    def upload(self, work_item_hash: str, file: ResultFile, beacon_id: str, attempt: int) -> None:
        """Streamed from the file, whatever its size."""
        said: dict[str, str | bytes] = {"X-Output-Filename": file.name.encode(), "Content-Type": file.content_type, "Content-Digest": file.digest()}
        headers = {**said, "X-Beacon-ID": beacon_id, "X-Attempt-Number": str(attempt), "Accept": "application/json"}
        if self._cookies:
            headers["Cookie"] = self.cookies()
        path = f"{self._prefix}/Beacon/Work/{quote(work_item_hash, safe='')}/Upload"
        reply = self._line().exchange("POST", path, file.path, headers, UPLOAD_SECONDS)
        self._keep_cookies(reply.headers)
        judge(reply)

    def heartbeat(self, beacon_id: str, working_on: list[Wire]) -> Wire:
        return self._ask("POST", f"/Beacon/{quote(beacon_id, safe='')}/Heartbeat", {"WorkItems": working_on}, gone_is_unknown=True)

    def deregister(self, beacon_id: str) -> None:
        try:
            self._ask("DELETE", f"/Beacon/{quote(beacon_id, safe='')}", None, LEAVE_SECONDS, gone_is_unknown=True)
        except UnknownBeacon:
            return

    def interrupt(self) -> None:
        self._interrupted = True
        if (line := self._polling) is not None:
            line.break_off()

    def close(self) -> None:
        with self._lock:
            for line in self._lines:
                line.break_off()
                line.close()

    def _line(self) -> Line:
        line: Line | None = getattr(self._mine, "line", None)
        if line is None:
            line = self._mine.line = Line(self._server)
            with self._lock:
                self._lines.append(line)
        return line

    def _ask(
        self, method: str, path: str, body: Wire | None, timeout: float = REQUEST_SECONDS, key: str | None = None, gone_is_unknown: bool = False
    ) -> Wire:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._cookies:
            headers["Cookie"] = self.cookies()
        if key:
            headers["Idempotency-Key"] = quote(key, safe=":/@+ ")
        reply = self._line().exchange(method, self._prefix + path, encoded(body), headers, timeout)
        self._keep_cookies(reply.headers)
        return judge(reply, gone_is_unknown)

    def _keep_cookies(self, headers: HTTPMessage) -> None:
        for line in headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            if value.strip():
                self._cookies[name.strip()] = value.strip()
            else:
                self._cookies.pop(name.strip(), None)


def encoded(body: Wire | None) -> bytes | None:
    """Raises: Refused for what JSON cannot carry: a provider's result may hold anything."""
    if body is None:
        return None
    try:
        return _NUL.sub(r"\1\\ufffd", json.dumps(body, separators=(",", ":"), allow_nan=False)).encode()
    except (TypeError, ValueError, RecursionError) as trouble:
        raise Refused(f"not JSON: {trouble}") from None


def judge(reply: Reply, gone_is_unknown: bool = False) -> Wire:
    """The object in a good answer. Raises: the TransportError that says what to do about any other."""
    answer = _object(reply.content)
    if 200 <= reply.status < 300:
        if answer is None:
            raise Unreachable(f"{reply.status} without a JSON object")
        return answer
    raise _failure(reply, answer, gone_is_unknown)


def _failure(reply: Reply, answer: Wire | None, gone_is_unknown: bool) -> TransportError:
    status, said = reply.status, f"{reply.status} {str((answer or {}).get('Error') or '')[:300]}".strip()
    if status == 401 or (status == 404 and gone_is_unknown and answer is not None):
        return UnknownBeacon(said)
    if status == 409 and answer is not None:
        return Superseded(said)
    if (answer or {}).get("Code") == "key_reused":
        return Settled(said)
    if status in FINAL and answer is not None:
        return Refused(said)
    return Unreachable(said, _retry_after(reply.headers))


def _object(content: bytes) -> Wire | None:
    try:
        value: Any = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _retry_after(headers: HTTPMessage) -> float | None:
    """Seconds from now; the header may hold seconds or a date."""
    text = headers.get("Retry-After")
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
