"""What runs hear of the hub: that an item of theirs has ended, and that a beacon brings operations. They only order: the hub's unit is not theirs
to change a run in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from schema.hub.reply import REPLY
from schema.runs.commands import GoOn, HaltRun, NodeFinished, SaveOperation
from schema.runs.forms import OperationWire
from schema.runs.ids import brought_hash
from tasks.unit import Unit

log = structlog.get_logger()

_OPERATION = OperationWire()


def work_ended(unit: Unit, item: Mapping[Any, Any]) -> None:
    """Order the report of an item that a node has ordered; in the same commit, so that none is ever lost."""
    reply = item["metadata"].get(REPLY) if item["metadata"] else None
    if not reply:
        return
    node, execution, attempt = reply
    result = item["result"] or {}
    outputs = {**(result.get("Outputs") or {}), "BeaconID": item["assigned_beacon_id"] or "", "WorkItemHash": item["work_item_hash"]}
    unit.order(
        NodeFinished(
            hub=item["hub"],
            run_hash=item["run_hash"],
            node_hash=node,
            execution=execution,
            attempt=attempt,
            outputs=outputs,
            error=_error(item),
            log=list(result.get("Log") or [])[:200],
        )
    )


def operations_brought(unit: Unit, brought: Mapping[Any, Any]) -> None:
    """Order the operations of a beacon to be kept. What is no operation, and one with neither hash nor name, is left out: the beacon may serve
    all the same.
    """
    for document in brought["operations"]:
        hash, wrong = brought_hash(brought["name"], document), _OPERATION.validate(document)
        if wrong or not hash:
            log.warning("operation_left_out", beacon=brought["name"], operation=hash, fields=sorted(map(str, wrong)))
            continue
        unit.order(SaveOperation(hub=brought["hub"], operation_hash=hash, document=document, source_beacon=brought["name"]))


def buried(unit: Unit, what: Mapping[Any, Any]) -> None:
    """A run whose next step lies among the dead letters would wait for it for ever: order its end."""
    command = what["command"]
    if isinstance(command, NodeFinished | GoOn):
        unit.order(HaltRun(hub=command.hub, run_hash=command.run_hash, reason=f"{command.name} lies among the dead letters"))


def _error(item: Mapping[Any, Any]) -> str | None:
    if item["status"] == "Complete":
        return None
    if item["status"] == "Canceled":
        return f"The work item was canceled: {item['cancel_reason'] or 'no reason given'}"
    return str(item["last_error"] or f"The work item ended as {item['status']}.")
