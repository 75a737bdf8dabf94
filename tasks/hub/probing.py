"""Try to reach beacons where they say that they listen, outside of any transaction; what comes of it goes to the hub's lane.

An address is resolved and judged before it is connected to, and the judged one is the one that is called: what a name means a moment later,
or where an answer would redirect to, is never looked at.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import sqlalchemy as sa
import urllib3

from schema.among import among
from schema.hub.probe_commands import NoteProbes
from schema.hub.rules.probing import Allowed, Target, allowed, outcome, targets_of
from schema.hub.tables import beacon, probe
from tasks.kernel import Kernel
from tasks.sweep import ask
from tasks.unit import look

#: Seconds for all addresses of one beacon, and how many beacons are tried at once.
TRY_SECONDS, AT_ONCE = 5.0, 16

_ASKED = (
    sa.select(beacon.c.beacon_id, beacon.c.bind_addresses, probe.c.asked_at)
    .join(probe, (probe.c.hub == beacon.c.hub) & (probe.c.beacon_id == beacon.c.beacon_id))
    .where(beacon.c.hub == sa.bindparam("of_hub"), among(beacon.c.beacon_id, "ids"), beacon.c.status != "Deregistered")
)


def probe_all(kernel: Kernel, beacon_ids: Sequence[str]) -> None:
    """Try these beacons, and have the results noted."""
    with look(kernel.engine) as connection:
        rows = connection.execute(_ASKED, {"of_hub": kernel.settings.hub, "ids": list(beacon_ids)}).all()
    if not rows:
        return
    may = allowed(kernel.settings.probe_allow)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="probe") as pool:
        results = list(pool.map(lambda row: _result(row, may), rows))
    ask(kernel, NoteProbes(hub=kernel.settings.hub, results=results))


def _result(row: Any, may: Allowed) -> dict[str, Any]:
    began = monotonic()
    tried: list[tuple[Target, str, str]] = []
    for target in targets_of(row.bind_addresses):
        tried.append((target, *attempt(target, may, TRY_SECONDS - (monotonic() - began))))
        if tried[-1][1] == "reachable":
            break
    status, chosen, detail = outcome(tried)
    return {
        "BeaconID": row.beacon_id,
        "Asked": round(row.asked_at.timestamp() * 1000),
        "Status": status,
        "URL": None if chosen is None else chosen.url[:512],
        "Detail": detail[:512],
        "LatencyMs": round((monotonic() - began) * 1000) if status == "reachable" else None,
    }


def attempt(target: Target, may: Allowed, seconds: float) -> tuple[str, str]:
    """Status and detail of one GET. Any answer at all says that somebody listens."""
    if seconds <= 0:
        return "unreachable", "There was no time left for it."
    try:
        addresses = [str(found[4][0]) for found in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        return "unreachable", f"{target.host} cannot be resolved: {error}"
    address = next((address for address in addresses if may.admits(target.host, address)), None)
    if address is None:
        return "refused", f"{target.host} is not among the networks and hosts that the operator lets the hub probe (UV_PROBE_ALLOW)."
    try:
        with _pool(target, address, seconds) as pool:
            headers = {"Host": target.url.split("/")[2], "User-Agent": "Ultravisor"}
            answer = pool.urlopen("GET", "/", headers=headers, retries=False, redirect=False, preload_content=False)
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return "unreachable", f"{type(error).__name__}: {error}"
    return "reachable", f"It answered {answer.status}."


def _pool(target: Target, address: str, seconds: float) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(total=seconds)
    if target.protocol == "https":
        return urllib3.HTTPSConnectionPool(address, target.port, timeout=timeout, server_hostname=target.host, assert_hostname=target.host)
    return urllib3.HTTPConnectionPool(address, target.port, timeout=timeout)
