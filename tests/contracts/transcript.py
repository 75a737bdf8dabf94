"""The protocol between hub and beacon, step by step, as the specification tells it: one table for both sides and both roads.

Facts: ultravisor-hub 1, 4.2-4.5.

A step says who speaks, which word, an example, and what must be true of whatever stands in the example's place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Frame = dict[str, Any]
Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def record(value: Any) -> bool:
    return isinstance(value, dict)


def rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


@dataclass(frozen=True)
class Step:
    """One message. `shape`: fields that must be there."""

    who: Literal["client", "hub"]
    word: str
    shape: dict[str, Check]
    example: Frame

    def judge(self, frame: Frame) -> None:
        wrong = [name for name, check in self.shape.items() if not check(frame.get(name))]
        assert not wrong, f"{self.word}: {wrong} in {frame}"


REGISTRATION: dict[str, Check] = {
    "Name": text,
    "Capabilities": texts,
    "ActionSchemas": rows,
    "MaxConcurrent": number,
    "Tags": record,
    "HostID": text,
    "SharedMounts": rows,
}
ITEM = {
    "WorkItemHash": text,
    "RunID": text,
    "Capability": text,
    "Action": text,
    "Settings": lambda value: record(value) and record(value.get("QueueMetadata")),
    "OperationHash": lambda value: isinstance(value, str),
    "TimeoutMs": number,
    "AttemptNumber": number,
    "QueueMetadata": lambda value: (
        record(value) and {"RunID", "WorkItemHash", "EnqueuedAt", "DispatchedAt", "QueueWaitMs", "AttemptNumber", "HubInstanceID"} <= value.keys()
    ),
}
PROGRESS = {"ProgressData": lambda value: record(value) and number(value.get("Percent"))}


def item(hash: str, action: str, **settings: Any) -> Frame:
    told = {"RunID": "rn-1", "WorkItemHash": hash, "EnqueuedAt": "2025-01-02T03:04:05.678Z", "DispatchedAt": "2025-01-02T03:04:05.679Z"}
    told |= {"QueueWaitMs": 1, "AttemptNumber": 1, "HubInstanceID": "hub"}
    about = {"WorkItemHash": hash, "RunID": "rn-1", "Capability": "Transcript", "Action": action, "OperationHash": "", "TimeoutMs": 60_000}
    return about | {"AttemptNumber": 1, "Settings": {**settings, "QueueMetadata": told}, "QueueMetadata": told}


TRANSCRIPT = (
    Step(
        "client",
        "Register",
        REGISTRATION,
        {
            "Name": "Transcript",
            "Capabilities": ["Transcript"],
            "ActionSchemas": [
                {"Capability": "Transcript", "Action": "Good", "Description": "", "SettingsSchema": []},
                {"Capability": "Transcript", "Action": "Bad", "Description": "", "SettingsSchema": []},
            ],
            "MaxConcurrent": 1,
            "Tags": {"Role": "test"},
            "HostID": "here",
            "SharedMounts": [{"MountID": "0123456789abcdef", "Root": "/srv"}],
        },
    ),
    Step("hub", "Registered", {"BeaconID": text}, {"BeaconID": "bcn-transcript-1"}),
    Step("hub", "WorkItem", ITEM, item("wi-1", "Good", Who="world")),
    Step("client", "Progress", PROGRESS, {"ProgressData": {"Percent": 50, "Message": "half", "Step": 1, "TotalSteps": 2, "Log": ["half way"]}}),
    Step("client", "Complete", {"Outputs": record, "Log": texts}, {"Outputs": {"StdOut": "", "ExitCode": 0, "Result": "ok"}, "Log": ["done"]}),
    Step("client", "Heartbeat", {"BeaconID": text}, {}),
    Step("hub", "WorkItem", ITEM, item("wi-2", "Bad")),
    Step("client", "Error", {"ErrorMessage": text, "Log": texts}, {"ErrorMessage": "it broke", "Log": []}),
    Step("client", "Deregister", {"BeaconID": text}, {}),
    Step("hub", "Deregistered", {}, {}),
)

#: The words on a WebSocket.
SOCKET_WORDS = {
    "Register": "BeaconRegister",
    "Registered": "BeaconRegistered",
    "Progress": "WorkProgress",
    "Complete": "WorkComplete",
    "Heartbeat": "BeaconHeartbeat",
    "Error": "WorkError",
}
#: What a report is about.
ABOUT_ITEM = frozenset({"Progress", "Complete", "Error"})
