"""The actions of DataBeaconManagement and DataBeaconSchema: connections, tables, what items may reach, and the shape of databases."""

from __future__ import annotations

from typing import Any

from schema.gateway.commands import CreateConnection, DisableEntity, EnsureSchema, Introspect, IntrospectSchema, PlanSchema, SetPolicy, TryConnection
from schema.gateway.rules.kinds import split_secrets
from schema.gateway.rules.models import default_object
from schema.outcome import Done
from tasks.mesh import tables
from tasks.mesh.errand import Errand, Failed
from tasks.mesh.reach import reach_of

Outputs = dict[str, Any]


def introspect(errand: Errand) -> Outputs:
    name = errand.settings.get("TableName") or None
    found = errand.done(Introspect(hub=errand.hub, connection=tables.connection_of(errand), table=None if name is None else str(name)))
    return {"TableCount": found["TableCount"], "Tables": found["Tables"]}


def introspect_package(errand: Errand) -> Outputs:
    of = tables.connection_of(errand)
    row = tables.entity_named(errand, of, _table(errand), enabled=False)
    made = tables.table_of(errand.hub, row)
    schema = [{"Column": column["Name"], "Type": column["MeadowType"], "Size": column["MaxLength"] or "Default"} for column in row["columns"]]
    return {
        "Package": {"Scope": row["name"], "DefaultIdentifier": made.primary[0], "Schema": schema, "DefaultObject": default_object(row["columns"])}
    }


def enable(errand: Errand) -> Outputs:
    found = errand.done(Introspect(hub=errand.hub, connection=tables.connection_of(errand), table=_table(errand), enable=True))
    return dict(found["Endpoint"])


def disable(errand: Errand) -> Outputs:
    found = errand.done(DisableEntity(hub=errand.hub, connection=tables.connection_of(errand), table=_table(errand)))
    return dict(found["Result"])


def _table(errand: Errand) -> str:
    name = errand.settings.get("TableName")
    if not isinstance(name, str) or not 0 < len(name) <= 160:
        raise Failed("TableName is required")
    return name


def update_proxy(errand: Errand) -> Outputs:
    said = errand.settings
    if not errand.kernel.settings.proxy_widen:
        raise Failed("UpdateProxyConfig: UV_PROXY_WIDEN is off.", refused=True)
    writes, seconds = said.get("AllowWrites"), said.get("ExpiresInSeconds") or 0
    if not (writes is None or isinstance(writes, bool)) or not isinstance(seconds, int) or not 0 <= seconds <= 10**9:
        raise Failed("UpdateProxyConfig: AllowWrites is true or false, ExpiresInSeconds a whole number.")
    wish = SetPolicy(
        hub=errand.hub,
        owner=str(errand.submitter.actor),
        patterns=_texts(errand, "PathAllowlist"),
        revoked=_texts(errand, "Revoke"),
        replace=said.get("Replace") is True,
        writes=writes,
        seconds=seconds,
    )
    added = errand.done(wish)["PatternsAdded"]
    reach = reach_of(errand)
    return {"Success": True, "PatternsAdded": added, "ActiveConfig": {"AllowWrites": reach.writes, "PathAllowlist": reach.patterns}}


def _texts(errand: Errand, name: str) -> list[str]:
    given = errand.settings.get(name) or []
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise Failed(f"UpdateProxyConfig: {name} is an array of texts.")
    return given


def create_connection(errand: Errand) -> Outputs:
    """One of that name is the answer as it is. A secret has been sealed before it became part of the item."""
    said = errand.settings
    config = said.get("Config") or {}
    if not isinstance(config, dict) or not all(isinstance(said.get(name), str) for name in ("Name", "Type")):
        raise Failed("CreateConnection: Name and Type are texts, Config is an object.")
    plain, secrets = split_secrets(config)
    if secrets:
        raise Failed("CreateConnection: the secret was not sealed when the item was enqueued. Use POST /beacon/connection.", refused=True)
    found = errand.done(
        CreateConnection(
            hub=errand.hub,
            title=said["Name"][:200],
            kind=said["Type"],
            config=plain,
            sealed=str(said.get("Sealed") or ""),
            mark=str(said.get("Mark") or ""),
            auto_connect=said.get("AutoConnect") is True,
            description=str(said.get("Description") or "")[:10_000],
            databeacon=errand.kernel.settings.databeacon,
            once=True,
        )
    )
    record = found["Connection"]
    told = {"IDBeaconConnection": record["IDBeaconConnection"], "Name": record["Name"], "Type": record["Type"], "Created": found["Created"]}
    if said.get("AutoConnect") is not True:
        return told | {"Connected": record["Connected"]}
    tried = errand.outcome(TryConnection(hub=errand.hub, connection=record["IDBeaconConnection"], connect=True))
    return told | {"Connected": isinstance(tried, Done), "ConnectError": None if isinstance(tried, Done) else tried.text}


def _shape(errand: Errand) -> dict[str, Any]:
    descriptor = errand.settings.get("SchemaJSON")
    if not isinstance(descriptor, dict):
        raise Failed("SchemaJSON.Tables is required")
    name = str(errand.settings.get("SchemaName") or "")[:128]
    return {"hub": errand.hub, "connection": tables.connection_of(errand), "descriptor": descriptor, "schema_name": name}


def ensure_schema(errand: Errand) -> Outputs:
    said = errand.settings
    return errand.done(EnsureSchema(**_shape(errand), plan=str(said.get("PlanHash") or ""), force=said.get("Force") is True))


def plan_schema(errand: Errand) -> Outputs:
    return errand.done(PlanSchema(**_shape(errand)))


def introspect_schema(errand: Errand) -> Outputs:
    return errand.done(IntrospectSchema(**_shape(errand)))
