"""Read and write tables of foreign databases through the gateway's lanes, as the gateway's own addresses do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from schema.base import Command
from schema.gateway.commands import CreateRows, DeleteRow, Read, UpdateRows
from schema.gateway.tables import connection, entity
from schema.outcome import Refused
from tasks.rows import Row
from tasks.runs.world import http
from tasks.runs.world.files import Performed, Performer
from tasks.runs.world.place import Place, WorldError
from tasks.unit import look

#: How an endpoint begins that is the hub's own.
OWN = "/1.0/"
#: Refusals that another try may not get.
_PASSING = ("target_unavailable", "not_connected", "unavailable", "busy")

_SERVED = sa.select(connection.c.connected, entity).outerjoin(
    entity, sa.and_(entity.c.connection_id == connection.c.id, entity.c.enabled.is_(True), entity.c.name == sa.bindparam("in_name"))
)
_SERVED = _SERVED.where(connection.c.hub == sa.bindparam("of_hub"), connection.c.deleted_at.is_(None), connection.c.slug == sa.bindparam("in_slug"))


def meadow(what: str, given: dict[str, Any], place: Place) -> Performed:
    """The task `what`: by HTTP where the endpoint is an address, by a lane where it is /1.0/<connection>."""
    if not given["Endpoint"].startswith(OWN):
        return http.meadow(given, place)
    found = _served(given, place)
    outcome = place.ask(_command(what, given, found, place), given["TimeoutMs"] / 1000)
    if isinstance(outcome, Refused):
        raise WorldError(f"{given['Entity']}: {outcome.text}", again=outcome.code in _PASSING)
    value = outcome.value["Rows"] if what == "meadow-reads" else outcome.value["Count"] if what == "meadow-count" else outcome.value
    return "", {given["Main"]: value, "StatusCode": 200}


def _served(given: dict[str, Any], place: Place) -> Row:
    slug = given["Endpoint"].removeprefix(OWN).strip("/")
    with look(place.engine) as database:
        row = database.execute(_SERVED, {"of_hub": place.hub, "in_slug": slug, "in_name": given["Entity"]}).mappings().first()
    if row is None:
        raise WorldError(f"There is no connection at {OWN}{slug}.")
    if not row["connected"]:
        raise WorldError(f"The connection at {OWN}{slug} is not live.", again=True)
    if row["id"] is None:
        raise WorldError(f"The table {given['Entity']} of {OWN}{slug} is not served.")
    return row


def _command(what: str, given: dict[str, Any], found: Row, place: Place) -> Command:
    at = {"hub": place.hub, "connection": found["connection_id"], "entity": found["id"], "digest": found["digest"]}
    if what == "meadow-create":
        return CreateRows(**at, rows=[_record(given)])
    if what == "meadow-read":
        return Read(**at, what="row", key=_key(found, given["RecordID"]))
    if what == "meadow-update":
        record = _record(given)
        return UpdateRows(**at, keys=[_key(found, given["RecordID"], record)], rows=[record])
    if what == "meadow-delete":
        return DeleteRow(**at, key=_key(found, given["RecordID"]))
    if what == "meadow-count":
        return Read(**at, what="count", filter=given["Filter"])
    return Read(**at, filter=given["Filter"], begin=given["PageStart"] or 0, cap=given["PageSize"] or 100)


def _record(given: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(given["Record"], dict):
        raise WorldError("Record must be an object.")
    return given["Record"]


def _key(found: Row, id: str, record: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The key of one record: as RecordID says it, values of several columns separated by commas; else as the record has it."""
    names = list(found["keys"]["primary"]) or [found["columns"][0]["Name"]]
    values = id.split(",") if id else [(record or {}).get(name) for name in names]
    if len(values) != len(names) or None in values:
        raise WorldError(f"RecordID must give {', '.join(names)}.")
    return dict(zip(names, values, strict=True))


NAMES = ("meadow-create", "meadow-read", "meadow-reads", "meadow-update", "meadow-delete", "meadow-count")
PERFORMERS: Mapping[str, Performer] = {name: partial(meadow, name) for name in NAMES}
