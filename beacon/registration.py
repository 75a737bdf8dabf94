"""How a beacon introduces itself."""

from __future__ import annotations

import hashlib
from pathlib import Path

from beacon.providers.contract import Providers
from beacon.settings import Settings
from beacon.transport import Wire


def registration(settings: Settings, providers: Providers) -> Wire:
    """The body of Register: what the beacon is called, what it can do, how much at a time, and where it runs."""
    secret = {"JoinSecret": settings.join_secret} if settings.join_secret else {}
    return {
        "Name": settings.name,
        "Capabilities": sorted(providers),
        "ActionSchemas": [action.wire(capability) for capability, provider in sorted(providers.items()) for action in provider.actions],
        "MaxConcurrent": settings.max_concurrent,
        "Tags": dict(settings.tags),
        "HostID": settings.host_id,
        "SharedMounts": [_mount(folder) for folder in settings.allowed_folders],
        "HeartbeatIntervalMs": max(500, int(settings.heartbeat_seconds * 1000)),
        **secret,
    }


def _mount(folder: Path) -> Wire:
    """Two beacons that name the same folder of the same device see the same files: the hub compares MountIDs."""
    digest = hashlib.sha256(f"{folder.stat().st_dev}:{folder}".encode()).hexdigest()
    return {"MountID": digest[:16], "Root": str(folder)}
