"""Many at once: one command, one transaction, the single verb for each row. What is refused is told by its row and stops nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from schema.hub.board_commands import CancelBatch, PrioritizeBatch, PrioritizeWork, RequeueBatch
from schema.hub.commands import CancelWork, CompleteBatch, CompleteWork, EnqueueBatch, EnqueueWork, ProgressBatch, ProgressWork, RequeueWork
from schema.hub.tables import run
from schema.outcome import Done, Outcome, Refused
from tasks.hub.cancel import cancel
from tasks.hub.complete import complete
from tasks.hub.enqueue import enqueue
from tasks.hub.prioritize import prioritize
from tasks.hub.progress import progress
from tasks.hub.requeue import requeue
from tasks.hub.runs import open_run
from tasks.unit import Unit

Row = dict[str, Any]


def enqueue_batch(command: EnqueueBatch, unit: Unit) -> Outcome:
    """Store the items. Those that name no run share one: the batch's, or one that is opened for it."""
    shared = command.run_id
    if shared and unit.find(run, (shared,)) is None:
        return Refused("not_found", f"There is no run {shared}; start it first, or name none.")
    answers = []
    for row in command.items:
        fields = _fields(row)
        if not fields.get("run_id"):
            shared = fields["run_id"] = shared or open_run(unit, command.hub, command.submitter_tag, {}, minted=True)
        answers.append((row, enqueue(EnqueueWork(hub=command.hub, limits=command.limits, **fields), unit)))
    return _sorted_out(answers, lambda row, value: {"Index": row["index"], **value}, {"RunID": shared})


def complete_batch(command: CompleteBatch, unit: Unit) -> Outcome:
    """Take the results."""
    rows = [(row, complete(CompleteWork(hub=command.hub, **_fields(row)), unit)) for row in command.items]
    return _sorted_out(rows, lambda row, value: {"WorkItemHash": row["work_item_hash"], "Status": value["Status"]})


def progress_batch(command: ProgressBatch, unit: Unit) -> Outcome:
    """Take the signs of progress."""
    rows = [(row, progress(ProgressWork(hub=command.hub, **_fields(row)), unit)) for row in command.items]
    return _sorted_out(rows, lambda row, value: {"WorkItemHash": row["work_item_hash"], "Updated": True})


def cancel_batch(command: CancelBatch, unit: Unit) -> Outcome:
    """Cancel the items; those at work end with their holders' next word."""
    return _each(
        command.hashes,
        lambda hash: cancel(CancelWork(hub=command.hub, work_item_hash=hash, reason=command.reason, grace_ms=command.grace_ms), unit),
        "Status",
        "Canceled",
    )


def prioritize_batch(command: PrioritizeBatch, unit: Unit) -> Outcome:
    """Give the items the priority."""
    return _each(
        command.hashes,
        lambda hash: prioritize(PrioritizeWork(hub=command.hub, work_item_hash=hash, priority=command.priority), unit),
        "Status",
        "NewPriority",
    )


def requeue_batch(command: RequeueBatch, unit: Unit) -> Outcome:
    """Queue the items again, with the settings that they had."""
    return _each(command.hashes, lambda hash: requeue(RequeueWork(hub=command.hub, work_item_hash=hash), unit), "Status")


def _each(hashes: Iterable[str], verb: Callable[[str], Outcome], *told: str) -> Done:
    """One verb for each item, which is named once however often it is asked for; `told` are the fields of its answer that are passed on."""
    rows = [({"index": index, "work_item_hash": hash}, verb(hash)) for index, hash in enumerate(dict.fromkeys(hashes))]
    return _sorted_out(rows, lambda row, value: {"WorkItemHash": row["work_item_hash"], **{name: value[name] for name in told}})


def _fields(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "index"}


def _sorted_out(answers: Iterable[tuple[Row, Outcome]], shown: Callable[[Row, Row], Row], more: Row | None = None) -> Done:
    """Rows that were carried out, and those that were refused, each with its place in the request."""
    items: list[Row] = []
    errors: list[Row] = []
    for row, outcome in answers:
        if isinstance(outcome, Done):
            items.append(shown(row, outcome.value))
        else:
            named = {"WorkItemHash": row["work_item_hash"]} if "work_item_hash" in row else {}
            errors.append({"Index": row["index"], **named, "Error": outcome.text, "Code": outcome.code, **outcome.details})
    return Done({"Items": items, "Errors": errors, **(more or {})})
