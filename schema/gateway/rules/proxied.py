"""Which paths a work item may ask for: normalised first, so that what is judged is what is meant."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote_to_bytes

from schema.gateway.rules.requests import SAFE, Request, Unmeant
from schema.patterns import pattern_of

#: Longest path.
LONGEST = 40_000
#: A caller's own mark that it will not write.
READ_ONLY = "!read-only"


def slug_and_request(method: str, path: str, body: object, expected: str = "", user: int = 0) -> tuple[str, Request]:
    """The connection's slug, and what is asked of it. The path is decoded once; one that can be read in two ways is refused. Raises Unmeant."""
    raw, _, query = path.partition("?")
    if len(path) > LONGEST:
        raise Unmeant("bad_request", "MeadowProxy: the path is too long.")
    segments = raw.removeprefix("/").split("/")
    try:
        parts = [unquote_to_bytes(segment).decode() for segment in segments]
    except UnicodeDecodeError:
        raise Unmeant("bad_request", "MeadowProxy: the path is not UTF-8.") from None
    if "" in segments or {".", ".."} & {*segments, *parts} or any("\0" in part for part in parts):
        raise Unmeant("forbidden", "MeadowProxy: path is not in the allowlist.")
    # What names connection and table stands as it is: nothing is decoded in it, nothing separates further.
    if len(parts) < 3 or parts[0] != "1.0" or segments[:3] != parts[:3] or any(sign in part for part in parts[1:3] for sign in "\\;#"):
        raise Unmeant("forbidden", "MeadowProxy: path is not in the allowlist.")
    return parts[1], Request(method, tuple(parts[2:]), dict(parse_qsl(query)), body, expected, user)


def reach(slug: str, request: Request) -> str:
    """What of the path is compared with patterns: connection and table.

    >>> reach("orders", Request("GET", ("Books", "Count")))
    '/1.0/orders/Books'
    """
    return f"/1.0/{slug}/{request.parts[0]}"


def judge(slug: str, request: Request, patterns: Iterable[str], writes: bool) -> None:
    """Whether the caller may ask this. Undelete is a change whatever its method, and so is everything but GET and HEAD. Raises Unmeant."""
    if not writes and (request.method not in SAFE or "Undelete" in request.parts[1:2]):
        raise Unmeant("forbidden", "MeadowProxy: writes are disabled on this beacon.")
    if not any(pattern_of(pattern).matches(reach(slug, request)) for pattern in patterns):
        raise Unmeant("forbidden", "MeadowProxy: path is not in the allowlist.")
