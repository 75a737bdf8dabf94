"""Every HTTP exchange between hub, beacons and submitters, in the order of one story: what is sent, and the exact names of what comes back.

Facts: ultravisor-hub 2.2, 3.5, 3.6, 4.1. `{name}` in a path or a body stands for what an earlier answer brought under `keep`.
Where we answer another status than the original, by decision, the step says so in `ours`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contracts.transcript import Check, Frame, number, record, rows, text, texts

Shape = Mapping[str, Check]


def anything(value: Any) -> bool:
    return True


def truth(value: Any) -> bool:
    return isinstance(value, bool)


def just(expected: Any) -> Check:
    return lambda value: bool(value == expected)


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    what: str
    method: str
    path: str
    body: Frame | None = None
    status: int = 200
    shape: Shape = field(default_factory=dict)
    #: Names under which later steps know fields of this answer.
    keep: Mapping[str, str] = field(default_factory=dict)
    #: Why our status differs from the original's.
    ours: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether the step waits for this shape: a poll that may come before the work.
    until: bool = False


BEACON: Shape = {
    "BeaconID": text,
    "Name": text,
    "SessionID": lambda value: value is None or text(value),
    "Capabilities": texts,
    "Status": lambda value: value in ("Online", "Busy", "Offline"),
    "LastHeartbeat": text,
    "RegisteredAt": text,
    "CurrentWorkItems": texts,
    "MaxConcurrent": number,
    "Tags": record,
    "Contexts": record,
    "BindAddresses": rows,
    "HostID": anything,
    "SharedMounts": rows,
}
FAILURE: dict[str, Check] = {"Error": text}
GIVEN: Shape = {"WorkItem": lambda value: record(value) and text(value["WorkItemHash"])}
ENQUEUED: Shape = {
    "Success": just(True),
    "RunID": text,
    "WorkItemHash": text,
    "Status": just("Pending"),
    "EnqueuedAt": text,
    "Priority": number,
}
REGISTRATION: Frame = {
    "Name": "Exchange",
    "Capabilities": ["Exchange"],
    "ActionSchemas": [{"Capability": "Exchange", "Action": "Good", "Description": "", "SettingsSchema": []}],
    "MaxConcurrent": 4,
    "Tags": {"Role": "test"},
    "Contexts": {"Files": {"BasePath": "/srv", "BaseURL": "http://there/files", "Writable": True, "Description": ""}},
    "BindAddresses": [{"IP": "127.0.0.1", "Port": 9, "Protocol": "http"}],
    "HostID": "here",
    "SharedMounts": [{"MountID": "0123456789abcdef", "Root": "/srv"}],
    "Operations": [{"Hash": "OPR-0001", "Name": "one", "Graph": {}}],
}
GOOD: Frame = {"Capability": "Exchange", "Action": "Good"}
STRICT: Frame = {"Capability": "Exchange", "AffinityKey": "Nobody", "RequireAffinityMatch": True}
INVALID = "a body with wrong fields is 422 and names them"
STRANGER = "401 brings a client back that the hub does not know"

LOGIN = (
    Exchange(
        "log in",
        "POST",
        "/1.0/Authenticate",
        {"UserName": "ada", "Password": ""},
        shape={
            "LoggedIn": just(True),
            "SessionID": text,
            "UserID": anything,
            "UserRecord": lambda value: value.keys() >= {"LoginID", "IDUser", "Roles", "NameFirst", "NameLast", "FullName", "Email"},
        },
    ),
    Exchange("log in, the other spelling", "POST", "/1.0/Authenticate", {"username": "ada", "password": ""}, shape={"LoggedIn": just(True)}),
    Exchange("nobody", "POST", "/1.0/Authenticate", {}, shape={"LoggedIn": just(False), "Error": just("UserName is required.")}),
    Exchange("who is it", "GET", "/1.0/CheckSession", shape={"LoggedIn": just(True), "SessionID": text, "UserID": anything, "UserRecord": record}),
    Exchange("no context", "POST", "/1.0/Session/Context/x", {}, shape={"Switched": just(False), "Error": text}),
    Exchange(
        "status",
        "GET",
        "/status",
        shape={
            "Status": just("Running"),
            "ScheduleEntries": number,
            "ScheduleRunning": truth,
            "AuthEnabled": truth,
            "AuthMode": just("promiscuous"),
            "SupportsUserManagement": truth,
        },
    ),
)

BEACONS = (
    Exchange("no name", "POST", "/Beacon/Register", {"Capabilities": []}, 422, FAILURE, ours=INVALID),
    Exchange("no capabilities", "POST", "/Beacon/Register", {"Name": "x"}, 422, FAILURE, ours=INVALID),
    Exchange("register", "POST", "/Beacon/Register", REGISTRATION, shape=BEACON, keep={"beacon": "BeaconID"}),
    Exchange("one beacon", "GET", "/Beacon/{beacon}", shape=BEACON),
    Exchange("no beacon", "GET", "/Beacon/bcn-none-1", status=404, shape=FAILURE),
    Exchange("heartbeat", "POST", "/Beacon/{beacon}/Heartbeat", {}, shape=BEACON),
    Exchange("heartbeat of a stranger", "POST", "/Beacon/bcn-none-1/Heartbeat", {}, 401, FAILURE, ours=STRANGER),
    Exchange("poll without a name", "POST", "/Beacon/Work/Poll", {}, 422, FAILURE, ours=INVALID),
    Exchange("poll of a stranger", "POST", "/Beacon/Work/Poll", {"BeaconID": "bcn-none-1"}, 401, FAILURE, ours=STRANGER),
    Exchange("nothing to do", "POST", "/Beacon/Work/Poll", {"BeaconID": "{beacon}"}, shape={"WorkItem": just(None)}),
)

WORK = (
    Exchange("no capability", "POST", "/Beacon/Work/Enqueue", {"Action": "Good"}, 422, FAILURE, ours=INVALID),
    Exchange("enqueue", "POST", "/Beacon/Work/Enqueue", GOOD | {"Settings": {"a": 1}}, shape=ENQUEUED, keep={"item": "WorkItemHash"}),
    Exchange("poll", "POST", "/Beacon/Work/Poll", {"BeaconID": "{beacon}"}, shape=GIVEN, until=True),
    Exchange(
        "progress",
        "POST",
        "/Beacon/Work/{item}/Progress",
        {"Percent": 10, "Message": "m", "Step": 1, "TotalSteps": 2, "Log": ["a"]},
        shape={"Success": just(True), "WorkItemHash": text},
    ),
    Exchange("progress of nothing", "POST", "/Beacon/Work/wi-none/Progress", {"Percent": 1}, 404, FAILURE),
    Exchange(
        "complete",
        "POST",
        "/Beacon/Work/{item}/Complete",
        {"Outputs": {"StdOut": "", "ExitCode": 0, "Result": "ok"}, "Log": ["done"]},
        shape={"Status": just("Completed"), "WorkItemHash": text},
    ),
    Exchange("complete nothing", "POST", "/Beacon/Work/wi-none/Complete", {}, 404, FAILURE, ours="what is not there is 404 on every route"),
    Exchange("enqueue what fails", "POST", "/Beacon/Work/Enqueue", GOOD, shape=ENQUEUED, keep={"bad": "WorkItemHash"}),
    Exchange("poll", "POST", "/Beacon/Work/Poll", {"BeaconID": "{beacon}"}, shape=GIVEN, until=True),
    Exchange(
        "error",
        "POST",
        "/Beacon/Work/{bad}/Error",
        {"ErrorMessage": "it broke", "Log": []},
        shape={"Status": just("Failed"), "WorkItemHash": text},
    ),
    Exchange("progress of what has ended", "POST", "/Beacon/Work/{bad}/Progress", {"Percent": 1}, 409, FAILURE, ours="an ended item is 409"),
    Exchange("enqueue for a batch", "POST", "/Beacon/Work/Enqueue", GOOD, shape=ENQUEUED, keep={"row": "WorkItemHash"}),
    Exchange("poll", "POST", "/Beacon/Work/Poll", {"BeaconID": "{beacon}"}, shape=GIVEN, until=True),
    Exchange(
        "progress of many",
        "POST",
        "/Beacon/Work/Progress/Batch",
        {"Progress": [{"WorkItemHash": "{row}", "Percent": 5}, {"WorkItemHash": "wi-none"}]},
        shape={
            "Items": lambda value: value[0].keys() >= {"WorkItemHash", "Updated"} and value[0]["Updated"] is True,
            "Errors": lambda value: [error["Index"] for error in value] == [1] and text(value[0]["Error"]),
        },
    ),
    Exchange(
        "complete many",
        "POST",
        "/Beacon/Work/Complete/Batch",
        {"Completions": [{"WorkItemHash": "wi-none"}, {"WorkItemHash": "{row}", "Outputs": {}, "Log": []}]},
        shape={
            "Items": lambda value: value[0]["Status"] == "Completed" and text(value[0]["WorkItemHash"]),
            "Errors": lambda value: [error["Index"] for error in value] == [0] and text(value[0]["Error"]),
        },
    ),
)

SUBMITTING = (
    Exchange(
        "start a run",
        "POST",
        "/Beacon/Run/Start",
        {"IdempotencyKey": "exchange", "SubmitterTag": "t", "Metadata": {"a": 1}},
        shape={"Success": just(True), "RunID": text, "State": just("Active"), "StartedAt": text, "IdempotencyKey": just("exchange")},
        keep={"run": "RunID"},
    ),
    Exchange(
        "the same run",
        "POST",
        "/Beacon/Run/Start",
        {"IdempotencyKey": "another"},
        headers={"X-Idempotency-Key": "exchange"},
        shape={"RunID": just("{run}")},
    ),
    Exchange("enqueue into it", "POST", "/Beacon/Work/Enqueue", STRICT | {"RunID": "{run}"}, shape=ENQUEUED, keep={"one": "WorkItemHash"}),
    Exchange("and another", "POST", "/Beacon/Work/Enqueue", STRICT | {"RunID": "{run}"}, shape=ENQUEUED, keep={"two": "WorkItemHash"}),
    Exchange(
        "up",
        "POST",
        "/Beacon/Work/{two}/Reorder",
        {"Direction": "up"},
        shape={"Success": just(True), "Reordered": just(True), "WorkItemHash": text, "OldPriority": just(0), "NewPriority": just(1)},
    ),
    Exchange("nobody to pass", "POST", "/Beacon/Work/{two}/Reorder", {"Direction": "up"}, 409, FAILURE),
    Exchange("which way", "POST", "/Beacon/Work/{two}/Reorder", {"Direction": "left"}, 422, FAILURE, ours=INVALID),
    Exchange("reorder nothing", "POST", "/Beacon/Work/wi-none/Reorder", {"Direction": "up"}, 404, FAILURE),
    Exchange(
        "cancel",
        "POST",
        "/Beacon/Work/{one}/Cancel",
        {"Reason": "why"},
        shape={"Success": just(True), "WorkItemHash": text, "Canceled": just(True), "Status": just("Canceled")},
    ),
    Exchange("cancel nothing", "POST", "/Beacon/Work/wi-none/Cancel", {}, 404, FAILURE),
    Exchange(
        "cancel what has ended", "POST", "/Beacon/Work/{bad}/Cancel", {}, 409, {"Error": text, "Success": just(False)}, ours="an ended item is 409"
    ),
    Exchange("cancel the other", "POST", "/Beacon/Work/{two}/Cancel", {}, shape={"Canceled": just(True)}),
    Exchange(
        "end the run",
        "POST",
        "/Beacon/Run/{run}/End",
        {},
        shape={"Success": just(True), "RunID": just("{run}"), "State": just("Ended")},
    ),
    Exchange("end no run", "POST", "/Beacon/Run/rn-none/End", {}, 404, FAILURE),
    Exchange("dispatch to nobody", "POST", "/Beacon/Work/Dispatch", {"Capability": "Nobody"}, 503, FAILURE),
    Exchange("dispatch nothing", "POST", "/Beacon/Work/Dispatch", {}, 422, FAILURE, ours=INVALID),
)

VIEWING = (
    Exchange("capabilities", "GET", "/Beacon/Capabilities", shape={"Capabilities": texts, "BeaconCount": number, "ActionCatalog": rows}),
    Exchange(
        "actions",
        "GET",
        "/Beacon/Actions?Capability=Exchange",
        shape={
            "Actions": lambda value: (
                value[0].keys() >= {"Capability", "Action", "Description", "SettingsSchema", "Available", "SourceBeacons"}
                and [row["Capability"] for row in value] == ["Exchange"]
            )
        },
    ),
    Exchange(
        "queue",
        "GET",
        "/Beacon/Queue?bucket=Errored&limit=3&include=history",
        shape={"Summary": record, "Items": lambda value: {row["Bucket"] for row in value} == {"Errored"}, "History": rows},
    ),
    Exchange(
        "history of an item",
        "GET",
        "/Beacon/Work/{item}/Events",
        shape={
            "WorkItemHash": text,
            "Events": lambda value: (
                [row["EventType"] for row in value][:2] == ["enqueued", "dispatched"]
                and value[0].keys() >= {"FromStatus", "ToStatus", "BeaconID", "Payload"}
            ),
        },
    ),
    Exchange("history of nothing", "GET", "/Beacon/Work/wi-none/Events", status=404, shape=FAILURE),
    Exchange("reachability", "GET", "/Beacon/Reachability", shape={"Matrix": anything, "Beacons": rows, "Hub": record}),
    Exchange(
        "snapshot",
        "GET",
        "/Observer/Snapshot",
        shape={
            "SchemaVersion": just("1"),
            "GeneratedAt": text,
            "HubInstanceID": text,
            "Beacons": record,
            "Operations": record,
            "UpcomingQueue": rows,
            "RecentTerminal": rows,
            "Policy": record,
        },
    ),
    Exchange("history", "GET", "/Observer/History?since=now-5m", shape={"Events": rows}),
    Exchange("events", "GET", "/Queue/Events?limit=5", shape={"Events": rows, "Cursor": anything, "More": truth}),
    Exchange("events too old", "GET", "/Observer/Events?since=nobody", status=410, shape={"Reason": just("history-too-old"), "Hint": text}),
    Exchange(
        "timeline",
        "GET",
        "/Timeline?from=now-5m",
        shape={
            "From": text,
            "To": text,
            "Now": text,
            "Past": rows,
            "Present": rows,
            "Future": rows,
            "Buckets": rows,
            "Cursor": anything,
            "More": truth,
        },
    ),
    Exchange(
        "anomalies",
        "GET",
        "/Timeline/Anomalies",
        shape={"From": text, "To": text, "Now": text, "Mode": just("static-threshold"), "BucketCount": number, "Anomalies": rows},
    ),
)

GOODBYE = (
    Exchange("leave", "DELETE", "/Beacon/{beacon}", shape={"Status": just("Deregistered"), "BeaconID": just("{beacon}")}),
    Exchange("leave again", "DELETE", "/Beacon/{beacon}", status=404, shape=FAILURE),
    Exchange("log out", "POST", "/1.0/Deauthenticate", {}, shape={"LoggedIn": just(False)}),
)

STORY = LOGIN + BEACONS + WORK + SUBMITTING + VIEWING + GOODBYE
