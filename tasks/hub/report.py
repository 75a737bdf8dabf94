"""What every report has in common: find the item, judge the reporter, keep what comes too late."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.hub.commands import CompleteWork, FailWork, ProgressWork
from schema.hub.rules.settle import Reporter, Standing, Verdict, settle
from schema.hub.tables import work_attempt
from schema.outcome import Refused
from tasks.hub.items import close_attempt, load, record, update
from tasks.rows import Row
from tasks.unit import Unit

_ATTEMPT = sa.select(work_attempt.c.outcome, work_attempt.c.beacon_id).where(
    work_attempt.c.work_item_hash == sa.bindparam("of_item"), work_attempt.c.attempt_number == sa.bindparam("of_attempt")
)

_TEXTS = {
    Verdict.SUPERSEDED: ("superseded", "Another attempt owns the item by now; the report is kept as evidence."),
    Verdict.FOREIGN: ("superseded", "The item is held by another beacon."),
    Verdict.ALREADY_FINAL: ("already_final", "The item has already ended."),
}


def judge(unit: Unit, report: ProgressWork | CompleteWork | FailWork, kind: str) -> tuple[Row, Verdict] | Refused:
    """The item and ACCEPTED or DUPLICATE, or the refusal. `kind` is the attempt's outcome that the report wants (`Complete`, `Error`, "")."""
    item = load(unit, report.hub, report.work_item_hash)
    if item is None:
        return Refused("not_found", f"There is no work item {report.work_item_hash}.")
    standing = Standing(item["status"], item["assigned_beacon_id"], item["attempt_number"])
    verdict = settle(standing, Reporter(report.beacon_id, report.attempt), _said_before(unit, item, kind))
    if verdict in (Verdict.ACCEPTED, Verdict.DUPLICATE):
        return item, verdict
    if verdict is Verdict.SUPERSEDED and kind:
        _keep(unit, item, report, kind)
    code, text = _TEXTS[verdict]
    return Refused(code, text, {"WorkItemHash": item["work_item_hash"], "Status": item["status"], "AttemptNumber": item["attempt_number"]})


def _said_before(unit: Unit, item: Row, kind: str) -> bool:
    """Whether the item's current attempt has already ended with this kind of report."""
    if not kind or item["status"] == "Running":
        return False
    attempt = _attempt(unit, item, item["attempt_number"])
    return attempt is not None and attempt.outcome == kind


def _attempt(unit: Unit, item: Row, attempt: int) -> sa.Row[Any] | None:
    return unit.read(_ATTEMPT, {"of_item": item["work_item_hash"], "of_attempt": attempt}).one_or_none()


def _keep(unit: Unit, item: Row, report: ProgressWork | CompleteWork | FailWork, kind: str) -> None:
    """A late result is evidence: it stays with its attempt, whose outcome becomes Superseded, and in the item's history."""
    attempt = item["attempt_number"] if report.attempt is None else report.attempt
    before = _attempt(unit, item, attempt)
    if before is None or before.outcome in ("Superseded", "Running") or report.beacon_id not in (None, before.beacon_id):
        return
    values: dict[str, Any] = {"outcome": "Superseded", "log": list(getattr(report, "log", []))}
    if isinstance(report, CompleteWork):
        values["outputs"] = report.outputs
    if isinstance(report, FailWork):
        values["error"] = report.error
    close_attempt(unit, item["work_item_hash"], attempt, **values)
    seq = item["seq"] + 1
    update(unit, item, seq=seq)
    record(unit, item, seq, "superseded", item["status"], item["status"], {"AttemptNumber": attempt, "Report": kind}, before.beacon_id)
