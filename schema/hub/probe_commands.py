"""Reachability: what is asked for, and what has come of it."""

from __future__ import annotations

from typing import Any

from schema.base import command
from schema.hub.commands import HubCommand


@command("hub.probe")
class ProbeBeacons(HubCommand):
    """Try whether the hub reaches these beacons where they say that they listen; None for all."""

    hub: str
    beacon_ids: list[str] | None = None


@command("hub.note_probes")
class NoteProbes(HubCommand):
    """What came of probes. Each row is `BeaconID`, `Asked`, `Status`, `URL`, `Detail`, `LatencyMs`; `Asked` is the request that it answers."""

    hub: str
    results: list[dict[str, Any]]
