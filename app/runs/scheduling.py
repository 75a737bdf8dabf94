"""What changes schedules. The original starts and stops them by GET, which any page can have a browser do; here it is POST alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from app.answers import Blueprint, carry_out
from app.asking import idempotency_key
from app.dispatch import new_id
from app.hub.here import hub_id
from app.who import actor
from schema.runs import commands, forms, ids

scheduling = Blueprint("runs_scheduling", __name__, description="Schedules: what changes them.")

Body = dict[str, Any]


@scheduling.route("/Schedule/Operation", methods=["POST"])
@scheduling.arguments(forms.ScheduleWire)
def save(body: Body) -> Response:
    """Have an operation run at certain times."""
    return carry_out(commands.SaveSchedule(hub=hub_id(), guid=_guid(body["Hash"]), document=body))


def _guid(operation_hash: str) -> str:
    """A request that is repeated with its key means the same schedule."""
    key = idempotency_key()
    if key is not None:
        return ids.schedule_guid_for(operation_hash, str(actor()), key)
    return ids.schedule_guid(operation_hash, datetime.now(UTC), new_id())


@scheduling.route("/Schedule/<guid>", methods=["PUT"])
@scheduling.arguments(forms.ScheduleChangeWire)
def change(body: Body, guid: str) -> Response:
    """Change fields of a schedule; the others stay."""
    return carry_out(commands.SaveSchedule(hub=hub_id(), guid=guid, document=body, must_exist=True))


@scheduling.route("/Schedule/<guid>", methods=["DELETE"])
def delete(guid: str) -> Response:
    """Forget a schedule and what it has fired. Its runs stay."""
    return carry_out(commands.DeleteSchedule(hub=hub_id(), guid=guid))


@scheduling.route("/Schedule/Start", methods=["POST"])
def start_all() -> Response:
    """Have all schedules looked at again. What was due meanwhile is not made up for."""
    return carry_out(commands.SwitchSchedules(hub=hub_id(), on=True))


@scheduling.route("/Schedule/Stop", methods=["POST"])
def stop_all() -> Response:
    """Have no schedule looked at, until they are started again."""
    return carry_out(commands.SwitchSchedules(hub=hub_id(), on=False))


@scheduling.route("/Schedule/Start/<guid>", methods=["POST"])
def start(guid: str) -> Response:
    """Have a schedule wait for its next moment."""
    return carry_out(commands.SwitchSchedule(hub=hub_id(), guid=guid, on=True))


@scheduling.route("/Schedule/Stop/<guid>", methods=["POST"])
def stop(guid: str) -> Response:
    """Have a schedule wait for nothing; what waits for its turn is skipped."""
    return carry_out(commands.SwitchSchedule(hub=hub_id(), guid=guid, on=False))
