"""Carry out HTTP requests. Each address is resolved and judged before it is connected to, and the judged address is the one that is called:
a name that means another address a moment later, or a redirect to one, leads nowhere else.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import orjson
import urllib3

from schema.settings import Settings
from tasks.runs.world.files import Performed, Performer
from tasks.runs.world.place import Place, WorldError

#: Bytes of the largest answer, and redirects that are followed.
MOST_BYTES, REDIRECTS = 16_777_216, 5
#: Headers that belong to one origin and are not sent to the next.
_OWN = {"authorization", "cookie", "proxy-authorization"}


def judged_address(host: str, port: int, settings: Settings) -> str:
    """The address that a name means, if operations may call it. Raises WorldError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise WorldError(f"{host} cannot be resolved: {error}", again=True) from error
    allowed = [ip_network(text.strip(), strict=False) for text in settings.run_private.split(",") if text.strip()]
    address = str(found[0][4][0])
    number = ip_address(address.partition("%")[0])
    mapped = getattr(number, "ipv4_mapped", None)
    number = mapped or number
    if not number.is_global or number.is_multicast:
        inside = [network for network in allowed if network.version == number.version and number in network]
        if not inside:
            raise WorldError(f"{host} is the private address {number}; the operator has not allowed it (UV_RUN_PRIVATE_ADDRESSES).")
    return address


def request(method: str, url: str, place: Place, *, body: bytes | None = None, headers: Mapping[str, str] | None = None, seconds: float) -> Any:
    """The answer, whole, after redirects. Raises WorldError where there is none."""
    sent = dict(headers or {})
    until = time.monotonic() + seconds
    for _ in range(REDIRECTS + 1):
        answer = _once(method, url, place, body, sent, max(until - time.monotonic(), 0.01))
        location = answer.headers.get("Location")
        if answer.status not in (301, 302, 303, 307, 308) or not location:
            return answer
        next_url = urljoin(url, location)
        if urlsplit(next_url)[:2] != urlsplit(url)[:2]:
            sent = {name: value for name, value in sent.items() if name.lower() not in _OWN}
        if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
            method, body = "GET", None
        url = next_url
    raise WorldError(f"More than {REDIRECTS} redirects.")


def _once(method: str, url: str, place: Place, body: bytes | None, headers: dict[str, str], seconds: float) -> Any:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WorldError(f"{url[:200]} is no HTTP address.")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = judged_address(parts.hostname, port, place.settings)
    timeout = urllib3.Timeout(total=seconds)
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(address, port, timeout=timeout, server_hostname=parts.hostname, assert_hostname=parts.hostname)
    else:
        pool = urllib3.HTTPConnectionPool(address, port, timeout=timeout)
    try:
        sent = {"Host": parts.netloc.rpartition("@")[2], **headers}
        answer = pool.urlopen(method, target, body=body, headers=sent, retries=False, redirect=False, preload_content=False)
        data = answer.read(MOST_BYTES + 1, decode_content=True)
    except urllib3.exceptions.HTTPError as error:
        raise WorldError(f"{parts.hostname} does not answer: {error}", again=True) from error
    finally:
        pool.close()
    if len(data) > MOST_BYTES:
        raise WorldError(f"The answer is larger than {MOST_BYTES} bytes.")
    return _Answer(answer.status, dict(answer.headers), data)


class _Answer:
    """An answer that has been read."""

    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.status, self.headers, self.data = status, headers, data

    def checked(self) -> _Answer:
        """Itself. Raises WorldError for 400 and above."""
        if self.status >= 400:
            told = self.data[:500].decode(errors="replace")
            raise WorldError(f"HTTP {self.status}: {told}", again=self.status >= 500 or self.status == 429, outputs={"StatusCode": self.status})
        return self

    def value(self) -> Any:
        """JSON as a value, all else as text."""
        try:
            return orjson.loads(self.data)
        except orjson.JSONDecodeError:
            return self.data.decode(errors="replace")


def _headers(given: dict[str, Any]) -> dict[str, str]:
    said = given.get("Headers")
    if isinstance(said, str) and said.strip():
        said = orjson.loads(said)
    return {str(name): str(value) for name, value in (said or {}).items()}


def _seconds(given: dict[str, Any]) -> float:
    return float(given.get("TimeoutMs") or 30_000) / 1000


def get_json(given: dict[str, Any], place: Place) -> Performed:
    answer = request("GET", given["URL"], place, headers={"Accept": "application/json", **_headers(given)}, seconds=_seconds(given)).checked()
    return "", {"Data": orjson.loads(answer.data), "StatusCode": answer.status}


def get_text(given: dict[str, Any], place: Place) -> Performed:
    answer = request("GET", given["URL"], place, headers=_headers(given), seconds=_seconds(given)).checked()
    return "", {"Data": answer.data.decode(errors="replace"), "StatusCode": answer.status}


def send_json(given: dict[str, Any], place: Place) -> Performed:
    headers = {"Content-Type": "application/json", **_headers(given)}
    body = orjson.dumps(given["Data"])
    answer = request(given["Method"].upper(), given["URL"], place, body=body, headers=headers, seconds=_seconds(given)).checked()
    return "", {"Response": answer.value(), "StatusCode": answer.status}


def rest_request(given: dict[str, Any], place: Place) -> Performed:
    said = given["Body"]
    body = None if said in (None, "") else said.encode() if isinstance(said, str) else orjson.dumps(said)
    headers = ({"Content-Type": given["ContentType"]} if body is not None else {}) | _headers(given)
    for left in range(given["Retries"] or 0, -1, -1):
        try:
            answer = request(given["Method"].upper(), given["URL"], place, body=body, headers=headers, seconds=_seconds(given)).checked()
            return "", {"Response": answer.value(), "StatusCode": answer.status, "ResponseHeaders": answer.headers}
        except WorldError as error:
            if not left or not error.again:
                raise
        time.sleep((given["RetryDelayMs"] or 0) / 1000)
    raise AssertionError


def meadow(given: dict[str, Any], place: Place) -> Performed:
    path = given["Path"].format(**{name: quote(str(given[name] or 0), safe="") for name in ("Entity", "RecordID", "PageStart", "PageSize")})
    if given["Filter"] and given["Path"].startswith("{Entity}s"):
        head, _, tail = path.partition("/")
        path = f"{head}/{tail}/FilteredTo/{quote(given['Filter'], safe='~')}" if tail == "Count" else f"{head}/FilteredTo/{given['Filter']}/{tail}"
    body = orjson.dumps(given["Record"]) if given["Method"] in ("POST", "PUT") else None
    headers = {"Content-Type": "application/json", **_headers(given)}
    url = f"{given['Endpoint'].rstrip('/')}/{path}"
    answer = request(given["Method"], url, place, body=body, headers=headers, seconds=_seconds(given)).checked()
    return "", {given["Main"]: answer.value(), "StatusCode": answer.status}


PERFORMERS: Mapping[str, Performer] = {
    "get-json": get_json,
    "get-text": get_text,
    "send-json": send_json,
    "rest-request": rest_request,
}
