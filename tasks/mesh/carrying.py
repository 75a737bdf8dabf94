"""Which action does what, and how an item ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog

from schema.access.rules import ADMINISTER, OPERATE, may
from schema.base import Actor, Command
from schema.gateway.commands import NoteRequest
from schema.hub.commands import CompleteWork, FailWork
from schema.mesh.catalog import ACCESS, CATALOG, MANAGEMENT, PROXY, SCHEMA
from tasks.failures import is_transient
from tasks.kernel import Kernel
from tasks.mesh import access, management, proxy
from tasks.mesh.errand import USUAL_SECONDS, Errand, Failed, submitter_of

log = structlog.get_logger()

ACTIONS: Mapping[tuple[str, str], Callable[[Errand], dict[str, Any]]] = {
    (ACCESS, "ListConnections"): access.list_connections,
    (ACCESS, "ListTables"): access.list_tables,
    (ACCESS, "ReadRecords"): access.read_records,
    (ACCESS, "QueryTable"): access.query_table,
    (ACCESS, "Aggregate"): access.aggregate,
    (ACCESS, "Join"): access.join,
    (MANAGEMENT, "Introspect"): management.introspect,
    (MANAGEMENT, "IntrospectMeadowPackage"): management.introspect_package,
    (MANAGEMENT, "EnableEndpoint"): management.enable,
    (MANAGEMENT, "DisableEndpoint"): management.disable,
    (MANAGEMENT, "UpdateProxyConfig"): management.update_proxy,
    (MANAGEMENT, "CreateConnection"): management.create_connection,
    (SCHEMA, "EnsureSchema"): management.ensure_schema,
    (SCHEMA, "PlanSchema"): management.plan_schema,
    (SCHEMA, "IntrospectSchema"): management.introspect_schema,
    (PROXY, "Request"): proxy.request,
    (PROXY, "Query"): access.query,
}
#: What the routes that do the same ask for, where it is more than to enqueue an item.
PERMISSIONS = {(MANAGEMENT, "CreateConnection"): ADMINISTER, (SCHEMA, "EnsureSchema"): ADMINISTER}


def carried_out(kernel: Kernel, item: Mapping[str, Any], beacon_id: str) -> Command:
    """Do what the item says. Returns the report of it. What may not be done is written down, too."""
    hash, attempt = str(item["WorkItemHash"]), int(item["AttemptNumber"])
    told: dict[str, Any] = {"hub": kernel.settings.hub, "work_item_hash": hash, "beacon_id": beacon_id, "attempt": attempt, "log": []}
    place = (str(item["Capability"]), str(item["Action"]))
    errand: Errand | None = None
    try:
        errand = Errand(kernel, item, submitter_of(kernel, hash), (item.get("TimeoutMs") or 0) / 1000 or USUAL_SECONDS)
        outputs = _done(errand, place)
    except Failed as error:
        if error.refused and errand is not None and place != (PROXY, "Request"):  # which has written it down itself
            note = {"WorkItemHash": hash, "Reason": str(error)[:500]}
            errand.tell(NoteRequest(hub=errand.hub, subject=".".join(place)[:256], outcome="refused", details=note))
        return FailWork(**told, error=str(error))
    except Exception as error:
        if not is_transient(error):
            log.exception("item_failed", work_item=hash, capability=place[0], action=place[1])
        return FailWork(**told, error="The hub's database or broker does not answer." if is_transient(error) else "The databeacon made a mistake.")
    return CompleteWork(**told, outputs=outputs)


def _done(errand: Errand, place: tuple[str, str]) -> dict[str, Any]:
    action = ACTIONS.get(place)
    if action is None:
        raise Failed(f"{place[0]} has no action {place[1]}.")
    _permit(errand, place)
    missing = [setting.name for setting in CATALOG[place].settings if setting.required and errand.settings.get(setting.name) in (None, "")]
    if missing and place != (PROXY, "Request"):
        raise Failed(f"{missing[0]} is required")
    outputs = action(errand)
    if len(orjson.dumps(outputs)) > errand.kernel.settings.max_result:
        raise Failed("The answer is larger than UV_MAX_RESULT. Ask for less.")
    return outputs


def _permit(errand: Errand, place: tuple[str, str]) -> None:
    """In secured mode an item may do what whoever enqueued it may do by the routes. Raises Failed."""
    known, wanted = errand.submitter, PERMISSIONS.get(place, OPERATE)
    if errand.kernel.settings.secured and known.actor.kind not in ("system", "console") and not may(known.role, wanted):
        raise Failed(f"{'.'.join(place)}: whoever enqueued the item has no permission to {wanted}.", refused=True)


def report_as(beacon_id: str) -> Actor:
    return Actor("beacon", beacon_id)
