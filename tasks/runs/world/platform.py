"""Reach addresses and files of beacons."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from schema.hub.tables import beacon
from tasks.runs.world.files import Performed, Performer
from tasks.runs.world.http import request
from tasks.runs.world.place import Place, WorldError
from tasks.unit import look


def resolve_address(given: dict[str, Any], place: Place) -> Performed:
    """`>Beacon/Context/path` as a URL (ultravisor-hub 4.9)."""
    name, _, rest = given["Address"].removeprefix(">").partition("/")
    context, _, path = rest.partition("/")
    if not given["Address"].startswith(">") or not path:
        raise WorldError("An address is written >Beacon/Context/path.")
    with look(place.engine) as connection:
        mine = (beacon.c.hub == place.hub) & (beacon.c.status != "Deregistered")
        found = connection.execute(sa.select(beacon).where(mine, (beacon.c.beacon_id == name) | (beacon.c.name == name))).mappings().first()
    if found is None:
        raise WorldError(f"There is no beacon {name}.", again=True)
    base = (found["contexts"].get(context) or {}).get("BaseURL")
    if not base:
        raise WorldError(f"The beacon {name} has no context {context} with a BaseURL.")
    segments = path.split("/")
    url = "/".join([base.rstrip("/"), *(quote(segment, safe="") for segment in segments)])
    told = {"URL": url, "BeaconID": found["beacon_id"], "BeaconName": found["name"], "Context": context, "Path": path}
    return "", told | {"Filename": segments[-1]}


def file_transfer(given: dict[str, Any], place: Place) -> Performed:
    """A file of this host, or of a URL, into the run's folder."""
    began, target = monotonic(), place.new_file(given["Filename"])
    if given["SourceLocalPath"]:
        shutil.copyfile(place.path(given["SourceLocalPath"]), target)
        strategy = "local"
    elif given["SourceURL"]:
        target.write_bytes(request("GET", given["SourceURL"], place, seconds=given["TimeoutMs"] / 1000).checked().data)
        strategy = "direct"
    else:
        raise WorldError("SourceURL or SourceLocalPath is needed.")
    told = {"LocalPath": str(target), "BytesTransferred": target.stat().st_size, "DurationMs": round((monotonic() - began) * 1000)}
    return "", told | {"Strategy": strategy}


PERFORMERS: Mapping[str, Performer] = {"resolve-address": resolve_address, "file-transfer": file_transfer}
