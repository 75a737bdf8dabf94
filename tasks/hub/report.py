"""What every report has in common: find the item, judge the reporter, keep what comes too late."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.hub.commands import CompleteWork, FailWork, ProgressWork, Report
from schema.hub.rules.lifecycle import HELD
from schema.hub.rules.settle import Named, Verdict, settle
from schema.hub.tables import work_attempt
from schema.outcome import Done, Refused
from tasks.hub.cancel import end_canceled
from tasks.hub.items import close_attempt, load, record, update
from tasks.rows import Row
from tasks.unit import Unit

_ATTEMPT = sa.select(work_attempt.c.outcome, work_attempt.c.beacon_id).where(
    work_attempt.c.work_item_hash == sa.bindparam("of_item"), work_attempt.c.attempt_number == sa.bindparam("of_attempt")
)

#: Attempts that ended without a word of their holder, whose word may still come.
_TAKEN_BACK = ("Lost", "Timeout", "Canceled")

_TEXTS = {
    Verdict.SUPERSEDED: ("superseded", "The attempt is over; a result is kept as evidence, the item is not changed by it."),
    Verdict.FOREIGN: ("superseded", "The reporter does not hold this attempt at the item."),
    Verdict.ALREADY_FINAL: ("already_final", "The item has already ended."),
}


def judge(unit: Unit, report: Report, kind: str) -> tuple[Row, Verdict] | Refused:
    """The item with ACCEPTED, DUPLICATE or CANCELED, or the refusal. `kind` is the outcome that the report wants (`Complete`, `Error`, "")."""
    item = load(unit, report.hub, report.work_item_hash)
    if item is None:
        return Refused("not_found", f"There is no work item {report.work_item_hash}.")
    number = item["attempt_number"] if report.attempt is None else report.attempt
    attempt = _named(unit, item, number)
    verdict = settle(attempt, report.beacon_id, kind)
    if verdict in (Verdict.ACCEPTED, Verdict.DUPLICATE):
        return item, verdict
    if verdict is Verdict.CANCELED:
        _keep(unit, item, number, report)
        return item, verdict
    if verdict is not Verdict.FOREIGN and attempt is not None and kind and attempt.outcome in _TAKEN_BACK:
        _keep(unit, item, number, report, outcome="Superseded")
        seq = item["seq"] + 1
        update(unit, item, seq=seq)
        record(unit, item, seq, "superseded", item["status"], item["status"], {"AttemptNumber": number, "Report": kind}, attempt.holder)
    code, text = _TEXTS[verdict]
    return Refused(code, text, {"WorkItemHash": item["work_item_hash"], "Status": item["status"], "AttemptNumber": item["attempt_number"]})


def canceled(unit: Unit, item: Row, verdict: Verdict, report: CompleteWork | FailWork) -> Done | None:
    """The answer to a holder whose item is, or with this report becomes, canceled: its word is kept with the attempt. None for all others."""
    if verdict is Verdict.ACCEPTED and item["cancel_requested"]:
        end_canceled(unit, item, item["cancel_reason"], **_brought(report))
    elif verdict is not Verdict.CANCELED:
        return None
    return Done({"Status": "Canceled", "WorkItemHash": item["work_item_hash"]})


def _brought(report: Report) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if isinstance(report, (ProgressWork, CompleteWork, FailWork)):
        values["log"] = report.log
    if isinstance(report, CompleteWork):
        values["outputs"] = report.outputs
    if isinstance(report, FailWork):
        values["error"] = report.error
    return values


def _named(unit: Unit, item: Row, number: int) -> Named | None:
    """The attempt of that number. The one that is running is known from the item's own row: reports in time read nothing more."""
    newest, status = number == item["attempt_number"], item["status"]
    if newest and status in HELD:
        return Named(item["assigned_beacon_id"], "Running", newest, status)
    row = unit.read(_ATTEMPT, {"of_item": item["work_item_hash"], "of_attempt": number}).one_or_none()
    return None if row is None else Named(row.beacon_id, row.outcome, newest, status)


def _keep(unit: Unit, item: Row, attempt: int, report: Report, **more: Any) -> None:
    """A late result is evidence: it stays with its attempt."""
    close_attempt(unit, item["work_item_hash"], attempt, **_brought(report), **more)
