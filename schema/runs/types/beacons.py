"""What beacons do: any action by name, the families that have cards of their own, and a card for each action that a beacon has ever declared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from schema.runs.rules.address import look_up
from schema.runs.rules.tasks import Answer, Call, Dispatch, Perform
from schema.runs.types.base import Settings, Task, anything, brought, done, flag, number, text

#: What every card that is carried out by a beacon also takes.
ROUTING = ("AffinityKey", "RequireAffinityMatch", "TimeoutMs", "MaxAttempts", "RetryBackoffMs", "Priority", "Destination")


class _Routed(Settings):
    AffinityKey = text("Items with one key go to one beacon; the name of a beacon means that one.")
    RequireAffinityMatch = flag("Wait for the beacon of that name, whatever others are free.")
    TimeoutMs = number("How long one attempt may take.", 300_000, 1)
    MaxAttempts = number("How often it is tried.", None, 1, 1_000)
    RetryBackoffMs = number("The pause after a failed attempt.", None)
    Priority = number("Higher goes first.", None, -(2**31) + 1)
    Destination = text("Where the result is also written.")


def dispatch(capability: str, action: str, settings: Mapping[str, Any], given: Mapping[str, Any]) -> Dispatch:
    """The order for a beacon."""
    return Dispatch(
        capability=capability,
        action=action,
        settings=settings,
        affinity_key=given["AffinityKey"],
        require_affinity_match=given["RequireAffinityMatch"],
        timeout_ms=given["TimeoutMs"],
        max_attempts=given["MaxAttempts"],
        retry_backoff_ms=given["RetryBackoffMs"],
        priority=given["Priority"],
        destination=given["Destination"],
    )


class _Beacon(_Routed):
    RemoteCapability = text("The capability.", required=True)
    RemoteAction = text("The action.", default="Execute")
    Command = text("A command line, for capabilities that take one.")
    Parameters = anything("Its parameters.", "")
    InputData = anything("Further settings: an object, or its JSON.", "")


class BeaconDispatch(Task):
    """Has a beacon do something."""

    name, title, category, tier = "beacon-dispatch", "Beacon dispatch", "Extension", "Extension"
    brings = brought(Result="Any", StdOut="String", ExitCode="Integer", BeaconID="String")
    form = _Beacon

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        data = given["InputData"]
        if isinstance(data, str) and data.strip():
            data = json.loads(data)
        settings = {name: given[name] for name in ("Command", "Parameters") if given[name] not in ("", None)}
        return dispatch(given["RemoteCapability"], given["RemoteAction"], settings | (data if isinstance(data, dict) else {}), given)


class _Command(_Routed):
    Command = text("The program.", required=True)
    Parameters = text("Its parameters.")
    Description = text("What it is for.")
    WorkingDirectory = text("Where it runs.")
    Environment = anything("Variables: an object, or its JSON.", None)


class Command(Task):
    """Runs a command on a beacon that offers Shell; on the hub's own host where the operator has allowed that (UV_RUN_LOCAL_SHELL)."""

    name, title, category, tier, capability = "command", "Command", "Shell", "Service", "Shell"
    brings = brought(StdOut="String", StdErr="String", ExitCode="Integer")
    form = _Command

    def __init__(self, local: bool = False) -> None:
        self.local = local

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        environment = given["Environment"]
        environment = json.loads(environment) if isinstance(environment, str) and environment.strip() else environment or {}
        settings = {name: given[name] for name in ("Command", "Parameters", "WorkingDirectory", "TimeoutMs") if given[name]}
        settings["Environment"] = environment
        if self.local:
            return Perform({**settings, "StagingPath": call.scope.staging, "Destination": given["Destination"]}, given["TimeoutMs"])
        return dispatch("Shell", "Execute", settings, given)


class _Variable(Settings):
    EnvironmentAddress = text("The object to which it is added.", default="Operation.Environment")
    Name = text("The variable's name.", required=True)
    Value = text("Its value.")


class AddEnvVar(Task):
    """Adds a variable to an object, for command."""

    name, title, category = "add-env-var", "Add environment variable", "Shell"
    begins = ("In",)
    brings = brought(Environment="Object")
    form = _Variable

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        before = look_up(given["EnvironmentAddress"], call.scope)
        variables = {**(before if isinstance(before, dict) else {}), given["Name"]: given["Value"]}
        return done(self, {"Environment": variables}, (given["EnvironmentAddress"], variables))


class BeaconCard(Task):
    """A card made from an action that a beacon has declared."""

    name, title, category, tier = "beacon-card", "Beacon card", "Beacon", "Extension"
    brings = brought(Result="Any", StdOut="String")
    form = _Routed

    def __init__(self, capability: str, action: str, schema: Iterable[Any] = (), description: str = "") -> None:
        self.of, self.does, self.description = capability, action, description
        self.schema = [row for row in schema if isinstance(row, Mapping) and isinstance(row.get("Name"), str)]

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        raise NotImplementedError  # `answer` does it: the settings are the beacon's, not ours

    def answer(self, settings: Mapping[str, Any], call: Call) -> Answer:
        given = self._loaded.load({name: settings[name] for name in ROUTING if name in settings})
        kinds = {str(row["Name"]): str(row.get("DataType") or "") for row in self.schema}
        sent = {name: _coerced(value, kinds.get(name, "")) for name, value in settings.items() if name not in ROUTING and name != "Join"}
        missing = [name for row in self.schema if row.get("Required") and (name := str(row["Name"])) not in sent]
        if missing:
            raise ValueError(f"{self.of}/{self.does} needs {', '.join(missing)}")
        return dispatch(self.of, self.does, sent, given)

    @property
    def defaults(self) -> Mapping[str, Any]:
        stated = {str(row["Name"]): row["Default"] for row in self.schema if row.get("Default") is not None}
        return {**super().defaults, **stated}

    def record(self) -> dict[str, Any]:
        own = [
            {"Name": row["Name"], "DataType": row.get("DataType") or "String", "Required": bool(row.get("Required"))}
            | {"Description": row.get("Description") or ""}
            for row in self.schema
        ]
        base = super().record()
        hash = card_hash(self.of, self.does)
        told = {"Hash": hash, "Type": hash, "Name": f"{self.of}: {self.does}", "Description": self.description or base["Description"]}
        return base | told | {"Capability": self.of, "Action": self.does, "SettingsInputs": own + base["SettingsInputs"]}


def card_hash(capability: str, action: str) -> str:
    """The name of an action's card.

    >>> card_hash("DataIntegration", "Load Incremental")
    'beacon-dataintegration-load-incremental'
    """
    return "beacon-" + "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in (capability, action))


def _coerced(value: Any, kind: str) -> Any:
    """A text as the number or the truth value that the beacon asks for; what is neither stays."""
    if not isinstance(value, str) or not value.strip():
        return value
    if kind == "Boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind in ("Number", "Integer"):
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return value


TYPES: tuple[type[Task], ...] = (BeaconDispatch, Command, AddEnvVar)
