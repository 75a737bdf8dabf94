"""How a run and its nodes lie in SQL, and come out of it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.runs.rules.nodes import NodeState
from schema.runs.rules.run import Nodes, Run

Row = Mapping[Any, Any]


def run_of(row: Row, nodes: Nodes, staging: str) -> Run:
    """The run of a row."""
    state = row["state"]
    return Run(
        hash=row["run_hash"],
        mode=row["mode"],
        status=row["status"],
        staging=staging,
        global_state=state["Global"],
        operation_state=state["Operation"],
        output=state["Output"],
        queue=tuple((node, input) for node, input in state["Queue"]),
        joins=state["Joins"],
        active=row["active"],
        waiting=row["waiting"],
        steps=row["steps"],
        errors=row["errors"],
        retried=row["retried"],
        nodes=nodes,
    )


def state_values(run: Run) -> dict[str, Any]:
    """The columns of a run's row that an engine changes."""
    state = {
        "Global": run.global_state,
        "Operation": run.operation_state,
        "Output": run.output,
        "Queue": [list(token) for token in run.queue],
        "Joins": run.joins,
    }
    counts = {"active": run.active, "waiting": run.waiting, "steps": run.steps, "errors": run.errors, "retried": run.retried}
    return {"status": run.status, "state": state, **counts}


def node_of(row: Row) -> NodeState:
    """The node of a row."""
    return NodeState(
        status=row["status"],
        execution=row["execution"],
        attempt=row["attempt"],
        trigger=row["trigger_event"],
        outputs=row["outputs"],
        waiting=row["waiting"],
        backlog=tuple(row["backlog"]),
        memory=row["memory"],
        overrides=row["overrides"],
        settings=row["settings"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        due_at=row["due_at"],
        error=row["error"],
    )


def node_values(node: NodeState) -> dict[str, Any]:
    """The columns of a node's row that an engine changes."""
    return {
        "status": node.status,
        "execution": node.execution,
        "attempt": node.attempt,
        "trigger_event": node.trigger,
        "outputs": node.outputs,
        "waiting": node.waiting,
        "backlog": list(node.backlog),
        "memory": node.memory,
        "overrides": node.overrides,
        "settings": node.settings,
        "started_at": node.started_at,
        "ended_at": node.ended_at,
        "due_at": node.due_at,
        "error": node.error,
    }
