"""Beacons that register, one after the other until there are thousands; and what the fleet costs once it is there."""

from __future__ import annotations

import orjson

from bench import bulk, load
from bench.driver import NUMBER
from bench.figures import Row, at_least, plain
from bench.rig import rig

FLEET = 2_000
CONNECTIONS = 4


def measure(quick: bool) -> list[Row]:
    """One run; its first and its last quarter compared."""
    fleet = 200 if quick else FLEET
    name = f"bench-{NUMBER.decode()}"
    body = orjson.dumps({"Name": name, "Capabilities": [bulk.CAPABILITY], "MaxConcurrent": 4, "Tags": {"zone": "north"}})
    with rig("worker", "beat", "web") as hub:
        load.drive(hub, "/Beacon/Register", body, connections=CONNECTIONS, most=20)
        run = load.drive(hub, "/Beacon/Register", body, connections=CONNECTIONS, most=fleet)
    quarter = fleet // 4
    first, last = quarter / run.at[quarter - 1], quarter / (run.at[-1] - run.at[-quarter - 1])
    return [
        at_least(f"fleet: registrations of {fleet:,} beacons, {CONNECTIONS} at once", 500, run.rate, "/s"),
        Row(
            "fleet: the last quarter of them, the first",
            ">= 0.9",
            f"{last:,.0f} /s, {first:,.0f} /s",
            round(last / first, 3),
            last / first >= 0.9,
        ),
        plain("fleet: p50 and p99", " and ".join(f"{run.time(share):.3g} ms" for share in (0.5, 0.99))),
        load.costs("fleet: registration", [run]),
    ]
