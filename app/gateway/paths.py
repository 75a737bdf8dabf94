"""The path of a request: which part of it may be a connection's, and how it was sent, for a filter may hold an encoded slash, which the server
has long decoded.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from flask import request
from werkzeug.routing import BaseConverter

from app.refusing import refuse

#: Longest path below a table's address; a filter may be long.
LONGEST = 40_000


class Slug(BaseConverter):
    """What may be a connection's part of a path: no capitals, so that the hub's own addresses, `/1.0/User/...`, are never taken for one."""

    regex = "[a-z0-9-]+"


def parts_after(depth: int) -> list[str]:
    """The decoded parts of the path after the first `depth`, decoded once."""
    raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.path).partition("?")[0]
    if "://" in raw:
        raw = "/" + raw.split("://", 1)[1].partition("/")[2]
    if len(raw) > LONGEST:
        refuse("bad_request", "The path is too long.")
    try:
        return [unquote_to_bytes(part).decode() for part in raw.strip("/").split("/")[depth:]]
    except UnicodeDecodeError:
        refuse("bad_request", "The path is not UTF-8.")
