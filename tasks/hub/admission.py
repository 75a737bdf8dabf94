"""Whether the hub takes another item: judged where the counts are consistent, announced when the answer changes."""

from __future__ import annotations

from schema.base import Event
from schema.hub.rules.admission import RETRY_SECONDS, Limits, judge_depth, judge_fleet
from schema.hub.rules.lifecycle import QUEUED
from schema.hub.tables import admission
from schema.outcome import Refused
from schema.sql import to_wire
from tasks.hub import tally
from tasks.hub.fleet import fleet
from tasks.unit import Unit


def judge(unit: Unit, hub: str, given: tuple[int, int, float] | None) -> Refused | None:
    """The refusal, None to admit. Without limits everything is admitted, and nothing is read."""
    limits = Limits(*given) if given is not None else Limits()
    if not limits.most_queued and not limits.soft_queued:
        return None
    queued = _queued(unit, hub)
    reason = judge_depth(limits, queued)
    if reason == "ask_fleet":
        reason = judge_fleet(limits, fleet(unit, hub))
    _turn(unit, hub, reason)
    if reason is None:
        unit.notes["queued", hub] += 1
        return None
    seconds = RETRY_SECONDS[reason]
    text = f"Admission denied: {reason.replace('_', ' ')}; {queued} items are queued."
    return Refused("admission_denied", text, {"Success": False, "Reason": reason, "RetryAfterSeconds": seconds, "Queued": queued})


def _queued(unit: Unit, hub: str) -> int:
    """Items that wait: read once per unit, and counted up with each that is admitted."""
    queued: int | None = unit.notes.get(("queued", hub))
    if queued is None:
        queued = unit.notes["queued", hub] = sum(tally.standing(unit, hub, QUEUED).values())
    return queued


def _turn(unit: Unit, hub: str, reason: str | None) -> None:
    """Announce the first denial after a time of peace, and the first admission after that."""
    row = unit.find(admission, (hub,))
    if bool(row and row["denying"]) == (reason is not None):
        return
    values = {"denying": reason is not None, "reason": reason or "", "since": unit.now}
    if row is None:
        unit.add(admission, {"hub": hub, **values})
    else:
        unit.amend(admission, (hub,), values)
    told = {"Reason": reason or (row["reason"] if row else ""), "ClientID": str(unit.actor), "At": to_wire(unit.now)}
    unit.announce(Event("beacon", "observer.admission.denied", told) if reason else Event("beacon", "observer.admission.recovered", told))
