"""A descriptor like the one that the hub's persistence uses: all types, wide texts, unique and composite indexes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any


def _columns(**types: str) -> list[dict[str, Any]]:
    made = []
    for name, type in types.items():
        word, _, size = type.partition(" ")
        made.append({"Column": name, "Type": word, **({"Size": size} if size else {})})
    return made


UV: dict[str, Any] = {
    "_comment": "not looked at",
    "SchemaName": "ultravisor-persistence",
    "Version": "1.2",
    "Tables": [
        {
            "Scope": "UVQueueWorkItem",
            "DefaultIdentifier": "IDUVQueueWorkItem",
            "Schema": _columns(
                IDUVQueueWorkItem="AutoIdentity",
                WorkItemHash="String 128",
                Status="String 32",
                HealthReason="String 512",
                Settings="String",
                EnqueuedAt="String 50",
                Priority="Integer",
                Health="Float",
                CancelRequested="Boolean",
                CreateDate="CreateDate",
                UpdateDate="UpdateDate",
                Deleted="Deleted",
            ),
            "Indexes": [
                {"Name": "IX_UVQueueWorkItem_Hash", "Columns": ["WorkItemHash"], "Unique": True},
                {"Name": "IX_UVQueueWorkItem_Dispatch", "Columns": ["Status", "Priority", "EnqueuedAt"]},
            ],
        },
        {
            "Scope": "UVManifest",
            "Schema": _columns(
                IDUVManifest="AutoIdentity",
                GUIDUVManifest="AutoGUID",
                Hash="String 128",
                StagingPath="String 1024",
                Live="Boolean",
                Ratio="Decimal 12,4",
                IDOwner="ForeignKey",
                StartTime="DateTime",
                ManifestJSON="JSON",
                Notes="Text",
                CreatingIDUser="CreateIDUser",
            ),
            "Indexes": [{"Name": "IX_UVManifest_Hash", "Columns": ["Hash"], "Unique": True}, {"Columns": ["Live", "StartTime"]}],
        },
        {"Scope": "NoSchema"},
    ],
}


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """The descriptor with one thing changed."""
    made = deepcopy(UV)
    at: Any = made
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return made


def without_column(name: str) -> dict[str, Any]:
    made = deepcopy(UV)
    for table in made["Tables"]:
        if "Schema" in table:
            table["Schema"] = [column for column in table["Schema"] if column["Column"] != name]
    return made


def with_column(table: int, **types: str) -> dict[str, Any]:
    made = deepcopy(UV)
    made["Tables"][table]["Schema"] += _columns(**types)
    return made
