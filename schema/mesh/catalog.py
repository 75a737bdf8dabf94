"""What a databeacon can do for work items: capabilities, their actions, and what each needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCESS, MANAGEMENT, SCHEMA, PROXY = "DataBeaconAccess", "DataBeaconManagement", "DataBeaconSchema", "MeadowProxy"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of an action. `type`: String, Number, Boolean, Object or Array."""

    name: str
    type: str = "String"
    required: bool = True


@dataclass(frozen=True, slots=True)
class Action:
    """An action with its settings."""

    about: str
    settings: tuple[Setting, ...] = ()


_ID, _TABLE = Setting("IDBeaconConnection", "Number"), Setting("TableName")
_SHAPE = (_ID, Setting("SchemaName", required=False), Setting("SchemaJSON", "Object"))

#: (capability, action) -> what it is
CATALOG: Mapping[tuple[str, str], Action] = {
    (ACCESS, "ListConnections"): Action("Every connection, without its config."),
    (ACCESS, "ListTables"): Action("The tables that are known behind a connection.", (_ID,)),
    (ACCESS, "ReadRecords"): Action(
        "A page of a table that is served.", (_ID, _TABLE, Setting("Cap", "Number", False), Setting("Begin", "Number", False))
    ),
    (ACCESS, "QueryTable"): Action("Rows of one statement that only reads.", (_ID, Setting("SQL"))),
    (ACCESS, "Aggregate"): Action("Sums, counts, means and extremes by group.", (_ID, Setting("AggregateSpec", "Object"))),
    (ACCESS, "Join"): Action("Two tables beside each other, page by page.", (_ID, Setting("JoinSpec", "Object"))),
    (MANAGEMENT, "Introspect"): Action("Look what tables there are, or how one is made.", (_ID, Setting("TableName", required=False))),
    (MANAGEMENT, "IntrospectMeadowPackage"): Action("A table as a package of its schema.", (_ID, _TABLE)),
    (MANAGEMENT, "EnableEndpoint"): Action("Serve a table, as it is now.", (_ID, _TABLE)),
    (MANAGEMENT, "DisableEndpoint"): Action("Serve a table no longer.", (_ID, _TABLE)),
    (MANAGEMENT, "UpdateProxyConfig"): Action(
        "Widen or narrow what your work items may reach.",
        (
            Setting("PathAllowlist", "Array", False),
            Setting("AllowWrites", "Boolean", False),
            Setting("Revoke", "Array", False),
            Setting("Replace", "Boolean", False),
            Setting("ExpiresInSeconds", "Number", False),
        ),
    ),
    (MANAGEMENT, "CreateConnection"): Action(
        "Know another database; one of that name is the answer as it is.",
        (
            Setting("Name"),
            Setting("Type"),
            Setting("Config", "Object"),
            Setting("AutoConnect", "Boolean", False),
            Setting("Description", required=False),
        ),
    ),
    (SCHEMA, "EnsureSchema"): Action("Bring a database to a descriptor, forward only.", _SHAPE),
    (SCHEMA, "PlanSchema"): Action("Say what that would do.", _SHAPE),
    (SCHEMA, "IntrospectSchema"): Action("Which tables and columns of a descriptor are there.", _SHAPE),
    (PROXY, "Request"): Action(
        "A request for records, as over HTTP.",
        (
            Setting("Method"),
            Setting("Path"),
            Setting("Body", required=False),
            Setting("RemoteUser", required=False),
            Setting("Session", "Object", False),
            Setting("IfMatch", required=False),
        ),
    ),
    (PROXY, "Query"): Action("Rows of several tables: a query as a tree.", (_ID, Setting("Query", "Object"))),
}

CAPABILITIES = sorted({capability for capability, _ in CATALOG})


def action_schemas() -> list[dict[str, Any]]:
    """The actions as beacons declare them."""
    return [
        {
            "Capability": capability,
            "Action": name,
            "Description": action.about,
            "SettingsSchema": [{"Name": setting.name, "DataType": setting.type, "Required": setting.required} for setting in action.settings],
        }
        for (capability, name), action in sorted(CATALOG.items())
    ]
