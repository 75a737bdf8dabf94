"""What operators order: pauses, and the defaults of actions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Response

from app.answers import Blueprint, carry_out
from app.hub.here import hub_id
from app.reading import ask
from schema.hub import forms
from schema.hub.commands import DropActionDefaults, PauseBeacon, PauseCapability, SetActionDefaults
from schema.hub.tables import action_default, pause
from schema.hub.wire import action_default_record
from schema.sql import to_wire

operating = Blueprint("hub_operating", __name__, description="Pauses, and what holds for actions whose senders say nothing.")

Body = dict[str, Any]

_DEFAULTS = (
    sa.select(action_default).where(action_default.c.hub == sa.bindparam("of_hub")).order_by(action_default.c.capability, action_default.c.action)
)
_PAUSES = sa.select(pause).where(pause.c.hub == sa.bindparam("of_hub")).order_by(pause.c.capability)


@operating.route("/Beacon/<beacon_id>/Pause", methods=["POST"])
@operating.arguments(forms.PauseWire)
def pause_beacon(_: Body, beacon_id: str) -> Response:
    """Give a beacon no new work; what it holds it may end. It stays so when it registers again."""
    return carry_out(PauseBeacon(hub=hub_id(), beacon_id=beacon_id, paused=True))


@operating.route("/Beacon/<beacon_id>/Resume", methods=["POST"])
@operating.arguments(forms.PauseWire)
def resume_beacon(_: Body, beacon_id: str) -> Response:
    """Give a beacon work again."""
    return carry_out(PauseBeacon(hub=hub_id(), beacon_id=beacon_id, paused=False))


@operating.route("/Beacon/Capability/<capability>/Pause", methods=["POST"])
@operating.arguments(forms.PauseWire)
def pause_capability(body: Body, capability: str) -> Response:
    """Keep the items of a capability in the queue; those under way go on."""
    return carry_out(PauseCapability(hub=hub_id(), capability=capability, paused=True, reason=body["Reason"]))


@operating.route("/Beacon/Capability/<capability>/Resume", methods=["POST"])
@operating.arguments(forms.PauseWire)
def resume_capability(_: Body, capability: str) -> Response:
    """Let the items of a capability go again."""
    return carry_out(PauseCapability(hub=hub_id(), capability=capability, paused=False))


@operating.route("/Beacon/Capability/Paused")
def paused_capabilities() -> dict[str, Any]:
    """The capabilities that are paused."""
    rows = ask(_PAUSES, {"of_hub": hub_id()})
    return {"Paused": [{"Capability": row["capability"], "PausedAt": to_wire(row["paused_at"]), "Reason": row["reason"]} for row in rows]}


@operating.route("/Beacon/ActionDefaults")
def action_defaults() -> dict[str, Any]:
    """The defaults of all actions that have some."""
    return {"ActionDefaults": [action_default_record(row) for row in ask(_DEFAULTS, {"of_hub": hub_id()})]}


@operating.route("/Beacon/ActionDefaults", methods=["PUT"])
@operating.arguments(forms.ActionDefaultsWire)
def set_action_defaults(body: Body) -> Response:
    """Set what holds for items of an action whose sender does not say; absent values are left to the capability, then to the house."""
    return carry_out(
        SetActionDefaults(
            hub=hub_id(),
            capability=body["Capability"],
            action=body["Action"],
            timeout_ms=body["TimeoutMs"],
            max_attempts=body["MaxAttempts"],
            retry_backoff_ms=body["RetryBackoffMs"],
            default_priority=body["DefaultPriority"],
            expected_wait_p95_ms=body["ExpectedWaitP95Ms"],
            heartbeat_expected_ms=body["HeartbeatExpectedMs"],
            min_samples_for_baseline=body["MinSamplesForBaseline"],
        )
    )


@operating.route("/Beacon/ActionDefaults", methods=["DELETE"])
@operating.arguments(forms.ActionWire)
def drop_action_defaults(body: Body) -> Response:
    """Forget the defaults of an action."""
    return carry_out(DropActionDefaults(hub=hub_id(), capability=body["Capability"], action=body["Action"]))
