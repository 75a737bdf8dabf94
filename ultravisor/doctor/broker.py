"""The journal's Redis: whether it answers, how quickly, and whether it keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis

from schema.settings import Settings
from ultravisor import here
from ultravisor.doctor.finding import Finding, ok, problem, warning
from ultravisor.doctor.measuring import median_ms

#: Above this, waiting for the broker is most of what a request takes.
SLOW_MS = 5.0
#: Of its memory limit, above which appends are about to be refused.
FULL = 0.8


def look(settings: Settings, running: bool) -> Iterator[Finding]:
    try:
        with here.broker(settings) as client:
            yield _latency(client)
            info: dict[str, Any] = client.info()
            yield _append_only_file(info)
            yield _eviction(info)
            yield _memory(info)
    except redis.RedisError as trouble:
        advice = (
            "Start it, or correct REDIS_URL. Until it answers, nothing is accepted." if running else "The bundled one starts with `ultravisor up`."
        )
        yield (problem if running else warning)("broker", f"does not answer: {trouble}", advice)


def _latency(client: redis.Redis) -> Finding:
    client.ping()
    took = median_ms(client.ping, 100)
    seen = f"answers; p50 of 100 pings {took:.2f} ms"
    return ok("broker", seen) if took <= SLOW_MS else warning("broker", seen, "Each command waits for it twice. Move it nearer to the web hosts.")


def _append_only_file(info: dict[str, Any]) -> Finding:
    subject = "broker file"
    if not info.get("aof_enabled"):
        return problem(subject, "AOF is off", "Set appendonly yes: a restart of Redis forgets what was answered with 202.")
    if info.get("aof_last_write_status", "ok") != "ok" or info.get("aof_last_bgrewrite_status", "ok") != "ok":
        return problem(subject, "AOF is on, and its last write failed", "Look at the disk of the broker: it may be full.")
    return ok(subject, f"AOF is on, {_megabytes(info.get('aof_current_size', 0))}")


def _eviction(info: dict[str, Any]) -> Finding:
    policy = info.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        return ok("broker eviction", "noeviction")
    return problem("broker eviction", str(policy), "Set maxmemory-policy noeviction: a full Redis must refuse commands, never forget them.")


def _memory(info: dict[str, Any]) -> Finding:
    used, limit = info["used_memory"], info.get("maxmemory", 0)
    if not limit:
        return ok("broker memory", f"{_megabytes(used)}, no limit of its own")
    seen = f"{_megabytes(used)} of {_megabytes(limit)}"
    return ok("broker memory", seen) if used < FULL * limit else warning("broker memory", seen, "Raise maxmemory before commands are refused.")


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
