"""Clocks: ours against itself, the broker's and the database's against ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from time import monotonic, sleep, time

import redis
import sqlalchemy as sa

from schema.settings import Settings
from ultravisor import database, here
from ultravisor.doctor.finding import Finding, ok, warning

INTERVAL_SECONDS = 0.5
#: Within an interval this short, a clock that is only being slewed moves far less.
DRIFT_SECONDS = 0.005
SKEW_SECONDS = 0.5

_NOW = {
    "postgresql": "SELECT EXTRACT(EPOCH FROM clock_timestamp())",
    "mysql": "SELECT UNIX_TIMESTAMP(SYSDATE(6))",
    "mariadb": "SELECT UNIX_TIMESTAMP(SYSDATE(6))",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
}


def look(settings: Settings, running: bool) -> Iterator[Finding]:
    yield _drift()
    with suppress(redis.RedisError), here.broker(settings) as client:
        client.ping()
        before = time()
        seconds, microseconds = client.time()
        yield judged_skew("broker clock", seconds + microseconds / 1e6 - (before + time()) / 2)
    with suppress(sa.exc.SQLAlchemyError), database.reading(settings) as connection:
        statement = _NOW[connection.dialect.name]
        database.value(connection, statement)
        before = time()
        told = float(database.value(connection, statement))
        yield judged_skew("database clock", told - (before + time()) / 2)


def _drift() -> Finding:
    began, wall = monotonic(), time()
    sleep(INTERVAL_SECONDS)
    drift = (time() - wall) - (monotonic() - began)
    seen = f"{drift * 1000:+.2f} ms against the monotonic clock in {INTERVAL_SECONDS:g} s"
    if abs(drift) < DRIFT_SECONDS:
        return ok("clock", seen)
    return warning("clock", seen, "Somebody sets it by force. Let one time service (chrony, systemd-timesyncd) slew it.")


def judged_skew(subject: str, skew: float) -> Finding:
    """What a difference to our clock says; timers are read from the database and set by hosts."""
    seen = f"{skew * 1000:+.1f} ms against ours"
    return (
        ok(subject, seen)
        if abs(skew) < SKEW_SECONDS
        else warning(subject, seen, "Run a time service on both machines: timeouts are off by this much.")
    )
