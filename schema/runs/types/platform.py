"""Platform: how files and addresses of beacons are reached."""

from __future__ import annotations

from schema.runs.types.base import Settings, Task, brought, number, text
from schema.runs.types.world import WorldTask


class _Resolve(Settings):
    Address = text("`>Beacon/Context/path`.", required=True)
    RequestingBeaconID = text("Who wants to reach it.")
    Destination = text("Where the URL is also written.")


class ResolveAddress(WorldTask):
    """Finds the URL behind an address of the form >Beacon/Context/path."""

    name, title, category = "resolve-address", "Resolve address", "Platform"
    brings = brought(URL="String", BeaconID="String", BeaconName="String", Context="String", Path="String", Filename="String")
    form = _Resolve


class _Transfer(Settings):
    SourceURL = text("Where the file is fetched from.")
    SourceLocalPath = text("Or where it lies on this host, in a folder that the operator allows.")
    Filename = text("Its name in the staging folder.", required=True)
    TimeoutMs = number("How long it may take.", 300_000, 1, 86_400_000)


class FileTransfer(WorldTask):
    """Brings a file into the run's staging folder."""

    name, title, category = "file-transfer", "File transfer", "Platform"
    brings = brought(LocalPath="String", BytesTransferred="Integer", DurationMs="Integer", Strategy="String")
    form = _Transfer


TYPES: tuple[type[Task], ...] = (ResolveAddress, FileTransfer)
