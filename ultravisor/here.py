"""What the command line knows of its surroundings: the settings, and how to reach the hub that they describe."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Mapping
from typing import Any

import orjson
import redis

from schema.settings import Settings, split_address

#: Variables of the beacon, which reads them itself.
_BEACON = "UV_BEACON_"


def settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment. Raises BadSettings."""
    return Settings.read({name: value for name, value in environment.items() if not name.startswith(_BEACON)})


def reachable(address: str) -> tuple[str, int]:
    """Host and port to call, where a hub listens on `address`: one that listens everywhere is called on loopback."""
    host, port = split_address(address)
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104 - compared, not bound


def url(address: str) -> str:
    """The address as people and beacons write it."""
    host, port = reachable(address)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def ask(settings: Settings, path: str, body: object = None, *, key: str = "", timeout: float = 10.0, method: str = "") -> tuple[int, Any]:
    """The hub's answer: status, and what its JSON says. A body makes it a POST, unless a method is named. Raises OSError when nobody answers."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if key:
        headers["Idempotency-Key"] = key
    connection = http.client.HTTPConnection(*reachable(settings.address), timeout=timeout)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, None if body is None else orjson.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, _read(answer.read())
    except http.client.HTTPException as trouble:
        raise ConnectionError(f"no HTTP from {settings.address}: {trouble!r}") from trouble
    finally:
        connection.close()


def _read(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode(errors="replace")


def broker(settings: Settings) -> redis.Redis:
    """The journal's Redis, on a connection that fails in seconds."""
    return redis.Redis.from_url(settings.redis_url, socket_timeout=3, socket_connect_timeout=2, decode_responses=True)


def obstacle(address: str) -> str | None:
    """Why nobody can start to listen there, None when it is free."""
    host, port = split_address(address)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: a port whose last connections are only fading away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as trouble:
            return trouble.strerror or str(trouble)
    return None


def free_address(host: str) -> str:
    """An address on this host where nobody listens at the moment."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return f"[{host}]:{probe.getsockname()[1]}" if ":" in host else f"{host}:{probe.getsockname()[1]}"
