"""What stands before every route: whose door this is, who may knock from a browser, how much may be brought in, what every answer says.

A page on the internet must not reach a hub on loopback: it could be sent there under a name of its own that resolves to 127.0.0.1
(the Host check), or have a visitor's browser post there across origins (the Origin check). Neither needs a login to be harmful.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from app.answers import error_body
from app.asking import REQUEST_ID, SAFE, STREAMED, fresh_or
from schema.errors import CODES
from schema.settings import Settings

Environment = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environment, Start], Iterable[bytes]]

#: Where beacons bring what their work has put out, which is more than any request of a person.
_RESULT = re.compile(r"/Beacon/Work/[^/]+/(Complete|Error|Progress)/?")

#: Where beacons bring files. They are read piece by piece by the route itself, and never as JSON.
_UPLOAD = re.compile(r"/Beacon/Work/[^/]+/Upload/?")

#: Scripts, styles and connections from ourselves alone: what a beacon or a submitter sends can be shown, it cannot act.
POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class Guard:
    """WSGI middleware. Also gives each request its id, and each answer the id and the security headers."""

    def __init__(self, inner: Application, settings: Settings) -> None:
        self._inner = inner
        self._names = settings.host_names
        self._max_body = settings.max_body
        self._max_result = settings.max_result
        self._max_upload = settings.max_upload

    def __call__(self, environ: Environment, start: Start) -> Iterable[bytes]:
        id = environ[REQUEST_ID] = fresh_or(environ.get("HTTP_X_REQUEST_ID"))

        def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start(status, [*headers, ("X-Request-ID", id), *HEADERS], *rest)

        code = self._objection(environ)
        return self._inner(environ, begin) if code is None else _refused(code, id, environ, begin)

    def _objection(self, environ: Environment) -> str | None:
        """The code of what is wrong with the request, None when nothing is."""
        host = environ.get("HTTP_HOST", "")
        if name_in(host) not in self._names:
            return "foreign_host"
        # A socket carries orders, so opening one is no safe thing to do, whatever its method is called.
        if (environ["REQUEST_METHOD"] not in SAFE or "HTTP_UPGRADE" in environ) and _crosses(environ, host):
            return "cross_origin"
        return self._body(environ)

    def _body(self, environ: Environment) -> str | None:
        most = self._most(environ)
        length = environ.get("CONTENT_LENGTH")
        if length:
            return "too_large" if not length.isdigit() or int(length) > most else None
        if not environ.get("wsgi.input_terminated") or environ.get(STREAMED):
            return None
        # No length was announced, so the body is counted while it is read; from here on it is like any other.
        # What is left of one that is too large is drained by the server, so the connection survives.
        try:
            data = environ["wsgi.input"].read(most + 1)
        except OSError:
            environ["ultravisor.broken"] = True
            return "bad_request"
        if len(data) > most:
            return "too_large"
        environ["wsgi.input"] = BytesIO(data)
        environ["CONTENT_LENGTH"] = str(len(data))
        return None

    def _most(self, environ: Environment) -> int:
        """Bytes that the body may have."""
        path = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] == "POST" and _UPLOAD.fullmatch(path):
            environ[STREAMED] = True
            return self._max_upload
        return self._max_result if _RESULT.fullmatch(path) else self._max_body


def name_in(host: str) -> str:
    """The name in a Host header, without port, brackets and final dot.

    >>> [name_in(text) for text in ("LocalHost:80", "[::1]:54321", "127.0.0.1", "hub.example.")]
    ['localhost', '::1', '127.0.0.1', 'hub.example']
    """
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def _crosses(environ: Environment, host: str) -> bool:
    """Whether a browser says that another site's page sent this."""
    if environ.get("HTTP_SEC_FETCH_SITE", "").lower() in ("cross-site", "same-site"):
        return True
    origin = environ.get("HTTP_ORIGIN")
    # `null`, which browsers send for sandboxed and local pages, is nobody's own.
    return origin is not None and urlsplit(origin).netloc.lower() != host.lower()


def _refused(code: str, id: str, environ: Environment, begin: Start) -> list[bytes]:
    body = error_body(code, None, id)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if "ultravisor.broken" in environ:
        headers.append(("Connection", "close"))  # where the next request begins is unknown
    begin(f"{CODES[code][0]} Refused", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
