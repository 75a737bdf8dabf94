"""The lab's view of persistence: this hub as instance 1, the databeacons with their connections, and what becomes of the choice."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Response

from app.answers import Blueprint, outcome_of, refuse, reply, shown
from app.bridge import questions
from app.hub.here import hub_id
from app.reading import ask
from schema.bridge.commands import Assign, Clear
from schema.bridge.forms import ChoiceWire
from schema.bridge.rules.names import EMBEDDED
from schema.bridge.wire import databeacon_record, instance_record, persistence_choice
from schema.gateway.tables import connection
from schema.gateway.wire import connection_record
from schema.hub.rules.presence import LIVENESS
from schema.hub.tables import beacon as beacon_row
from schema.outcome import Done

lab_persistence = Blueprint("lab_persistence", __name__, description="Hubs, databeacons, and which keeps the rows of which.")

Body = dict[str, Any]

#: This hub among the instances of the lab.
HERE = 1

_NAMED = beacon_row.c.name.in_(sa.bindparam("names", expanding=True))
_PRESENT = sa.select(beacon_row.c.name, beacon_row.c.status).where(beacon_row.c.hub == sa.bindparam("of_hub"), _NAMED)
#: A databeacon's number is that of the first connection that named it, and one: it stays the same as long as it is known.
_BEACONS = (
    sa.select(connection.c.databeacon, (sa.func.min(connection.c.id) + 1).label("id"), sa.func.count().label("connections"))
    .where(connection.c.hub == sa.bindparam("of_hub"), connection.c.databeacon != "")
    .group_by(connection.c.databeacon)
    .order_by(sa.text("2"))
)
_CONNECTIONS = (
    sa.select(connection)
    .where(connection.c.hub == sa.bindparam("of_hub"), connection.c.databeacon == sa.bindparam("named"), connection.c.deleted_at.is_(None))
    .order_by(connection.c.id)
)


@lab_persistence.route("/api/lab/ultravisor-instances")
def instances() -> dict[str, Any]:
    """The hubs of this lab."""
    return {"Records": [instance_record(HERE, hub_id(), questions.standing(hub_id()), _beacon_id)]}


@lab_persistence.route("/api/lab/ultravisor-instances/<id>")
def instance(id: str) -> dict[str, Any]:
    """One hub, and where its rows are kept."""
    _known(id)
    return {"Instance": instance_record(HERE, hub_id(), questions.standing(hub_id()), _beacon_id), "Persistence": _persistence()}


@lab_persistence.route("/api/lab/ultravisor-instances/<id>/persistence-status")
def persistence_status(id: str) -> dict[str, Any]:
    """How a hub's persistence stands."""
    _known(id)
    return {"Persistence": _persistence()}


@lab_persistence.route("/api/lab/ultravisor-instances/<id>/persistence-beacon", methods=["POST"])
@lab_persistence.arguments(ChoiceWire)
def choose(body: Body, id: str) -> Response:
    """Keep a hub's rows in a connection of this databeacon from now on; without one, nowhere else."""
    _known(id)
    if not body["IDBeacon"]:
        outcome = outcome_of(Clear(hub=hub_id()))
    else:
        record = _beacon(str(body["IDBeacon"]))
        outcome = outcome_of(Assign(hub=hub_id(), connection=body["IDBeaconConnection"], beacon=record["Name"]))
    return shown({"Persistence": _persistence()}) if isinstance(outcome, Done) else reply(outcome)


@lab_persistence.route("/api/lab/beacons")
def beacons() -> dict[str, Any]:
    """The databeacons: the hub's own, and those that connections name."""
    return {"Records": _beacons()}


@lab_persistence.route("/api/lab/beacons/<id>")
def beacon(id: str) -> dict[str, Any]:
    """One databeacon, and its hub."""
    return {"Beacon": _beacon(id), "Ultravisor": instance_record(HERE, hub_id(), questions.standing(hub_id()), _beacon_id)}


@lab_persistence.route("/api/lab/beacons/<id>/connections")
def connections(id: str) -> Response:
    """The databases that a databeacon serves."""
    name = _beacon(id)["Name"]
    rows = ask(_CONNECTIONS, {"of_hub": hub_id(), "named": "" if name == EMBEDDED else name})
    users = questions.users([row["id"] for row in rows], hub_id())
    return shown({"Connections": [connection_record(row) | {"UsedBy": users.get(row["id"], [])} for row in rows]})


def _known(id: str) -> None:
    if id != str(HERE):
        refuse("not_found", f"There is no hub {id} in this lab.")


def _beacons() -> list[dict[str, Any]]:
    rows = ask(_BEACONS, {"of_hub": hub_id()})
    known = [(1, EMBEDDED), *((row["id"], row["databeacon"]) for row in rows)]
    present = {row["name"]: LIVENESS[row["status"]] for row in ask(_PRESENT, {"of_hub": hub_id(), "names": [name for _, name in known]})}
    return [databeacon_record(id, name, HERE, present.get(name, "Unknown")) for id, name in known]


def _beacon(id: str) -> dict[str, Any]:
    found = next((record for record in _beacons() if str(record["IDBeacon"]) == id), None)
    if found is None:
        refuse("not_found", f"There is no databeacon {id}.")
    return found


def _beacon_id(name: str) -> int:
    return next((int(record["IDBeacon"]) for record in _beacons() if record["Name"] == name), 0)


def _persistence() -> dict[str, Any]:
    told = questions.persistence(hub_id())
    name, id = told["Queue"]["AssignedBeaconID"], told["Queue"]["IDBeaconConnection"]
    served = ask(_CONNECTIONS, {"of_hub": hub_id(), "named": "" if name == EMBEDDED else name}) if name else []
    record = next((connection_record(row) for row in served if row["id"] == id), None)
    beacon = next((found for found in _beacons() if found["Name"] == name), None)
    return persistence_choice(told, beacon, record)
