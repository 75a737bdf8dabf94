"""The tables in which a hub's rows are kept, in the clients' names. Names and types of their own columns are the original's.

Three columns are added to each: whose row it is, since hubs may share a database, and who made and changed it. What the original has no
column for is in `Extra`, as JSON, so that nothing is lost.
"""

from __future__ import annotations

from typing import Any

NAME = "ultravisor"
VERSION = "3"
#: Whose row it is.
INSTANCE = "UltravisorInstanceID"


def _columns(text: str) -> list[dict[str, Any]]:
    """`Name:Type` or `Name:size`, a text of that many characters."""
    found = []
    for part in text.split():
        name, _, kind = part.partition(":")
        found.append({"Column": name, "Type": "String", "Size": int(kind)} if kind.isdigit() else {"Column": name, "Type": kind})
    return found


def _table(scope: str, columns: str, **indexes: tuple[str, bool]) -> dict[str, Any]:
    listed = [{"Name": name, "Columns": [INSTANCE, *columns.split()], "Unique": unique} for name, (columns, unique) in indexes.items()]
    made = f"ID{scope}:AutoIdentity {INSTANCE}:64 {columns} CreatingUser:160 UpdatingUser:160"
    return {"Scope": scope, "DefaultIdentifier": f"ID{scope}", "Domain": "Ultravisor", "Schema": _columns(made), "Indexes": listed}


_WORK_ITEM = """
    WorkItemHash:128 RunID:128 RunHash:128 NodeHash:128 OperationHash:128 Capability:128 Action:128 Settings:Text AffinityKey:128
    AssignedBeaconID:128 Status:32 Priority:Integer EnqueuedAt:50 DispatchedAt:50 StartedAt:50 ClaimedAt:50 CompletedAt:50 CanceledAt:50
    AssignedAt:50 LastEventAt:50 QueueWaitMs:Integer TimeoutMs:Integer Health:Float HealthLabel:32 HealthReason:512 HealthComputedAt:50
    AttemptNumber:Integer MaxAttempts:Integer RetryBackoffMs:Integer RetryAfter:50 LastError:Text Result:Text CancelRequested:Boolean
    CancelReason:512 CreateDate:CreateDate UpdateDate:UpdateDate Deleted:Deleted Extra:Text
"""
_EVENT = """
    EventGUID:36 WorkItemHash:128 EventType:64 Payload:Text EmittedAt:50 Seq:Integer FromStatus:32 ToStatus:32 BeaconID:128
    CreateDate:CreateDate Deleted:Deleted RunID:128
"""
_ATTEMPT = """
    WorkItemHash:128 AttemptNumber:Integer BeaconID:128 StartedAt:50 EndedAt:50 Outcome:32 Error:Text CreateDate:CreateDate Deleted:Deleted
    Extra:Text
"""
_MANIFEST = """
    Hash:128 OperationHash:128 OperationName:500 Status:32 RunMode:32 Live:Boolean StartTime:50 StopTime:50 ElapsedMs:Integer
    ManifestJSON:Text StagingPath:1024 CreateDate:CreateDate UpdateDate:UpdateDate Deleted:Deleted
"""

DESCRIPTOR: dict[str, Any] = {
    "SchemaName": NAME,
    "Version": VERSION,
    "Tables": [
        _table(
            "UVQueueWorkItem",
            _WORK_ITEM,
            IX_UVQueueWorkItem_Hash=("WorkItemHash", True),
            IX_UVQueueWorkItem_Status=("Status", False),
            IX_UVQueueWorkItem_RunID=("RunID", False),
            IX_UVQueueWorkItem_Assigned=("AssignedBeaconID Status", False),
            IX_UVQueueWorkItem_Dispatch=("Status Priority EnqueuedAt", False),
        ),
        _table("UVQueueWorkItemAttempt", _ATTEMPT, IX_UVQueueAttempt_HashNum=("WorkItemHash AttemptNumber", True)),
        _table("UVQueueWorkItemEvent", _EVENT, IX_UVQueueEvent_GUID=("EventGUID", True), IX_UVQueueEvent_Hash=("WorkItemHash Seq", False)),
        _table(
            "UVManifest",
            _MANIFEST,
            IX_UVManifest_Hash=("Hash", True),
            IX_UVManifest_StatusStop=("Status StopTime", False),
            IX_UVManifest_OpHash=("OperationHash", False),
        ),
    ],
}
