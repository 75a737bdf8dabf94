"""One stride of a run: the working copy that `advance` changes and throws away. Nothing outside of it is touched."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from schema.runs.rules.address import Scope, target_of, written
from schema.runs.rules.graph import Edge, Node, Plan
from schema.runs.rules.nodes import ACTIVE, WAITING, NodeState
from schema.runs.rules.run import Effect, Nodes, Note, Run, Token
from schema.runs.rules.tasks import Catalog

#: Lines of a task's log that the history keeps, and characters of one.
LOG_LINES, LOG_LENGTH = 200, 2_000
#: Signals that may wait in a run, and at one busy node.
MOST_QUEUED, MOST_BACKLOG = 20_000, 10_000


class TooMuch(Exception):
    """The run asks for more than an engine gives."""


class Stride:
    """Mutable for the length of one `advance`."""

    def __init__(self, plan: Plan, catalog: Catalog, run: Run, now: datetime) -> None:
        self.plan = plan
        self.catalog = catalog
        self.now = now
        self.run = run
        self.nodes = Nodes(run.nodes.before, run.nodes.changed)
        self.queue: deque[Token] = deque(run.queue)
        self.joins = {key: dict(counts) for key, counts in run.joins.items()}
        self.places: dict[str, Mapping[str, Any]] = {"Global": run.global_state, "Operation": run.operation_state, "Output": run.output}
        self.active, self.waiting, self.steps, self.errors = run.active, run.waiting, run.steps, run.errors
        self.effects: list[Effect] = []

    # Nodes.

    def put(self, hash: str, state: NodeState) -> None:
        """The node is now so; what it counts for is counted."""
        before = self.nodes[hash].status
        self.active += (state.status in ACTIVE) - (before in ACTIVE)
        self.waiting += (state.status == WAITING) - (before == WAITING)
        self.nodes.changed[hash] = state

    def note(self, kind: str, node: str, told: Mapping[str, Any]) -> None:
        self.effects.append(Note(kind, node, told))

    # Signals.

    def fire(self, hash: str, event: str) -> bool:
        """Send the event along its edges. Returns whether there was one."""
        edges = self.plan.leads.get((hash, event), ())
        for edge in edges:
            self.arrive(edge)
        return bool(edges)

    def arrive(self, edge: Edge) -> None:
        """A signal reaches a node, which begins unless it joins with others that are still missing."""
        if self.plan.nodes[edge.target].join == "all":
            numbers = self.plan.into[edge.target, edge.input]
            if len(numbers) > 1 and not self._joined(edge, numbers):
                return
        self.enqueue(edge.target, edge.input)

    def _joined(self, edge: Edge, numbers: tuple[int, ...]) -> bool:
        key = f"{edge.target}\n{edge.input}"
        counts = self.joins.setdefault(key, {})
        counts[str(edge.number)] = counts.get(str(edge.number), 0) + 1
        if len(counts) < len(numbers):
            return False
        left = {number: count - 1 for number, count in counts.items() if count > 1}
        if left:
            self.joins[key] = left
        else:
            del self.joins[key]
        return True

    def enqueue(self, hash: str, input: str) -> None:
        if len(self.queue) >= MOST_QUEUED:
            raise TooMuch(f"more than {MOST_QUEUED} signals wait")
        self.queue.append((hash, input))

    # Values.

    def scope(self, node: Node) -> Scope:
        return Scope(
            global_state=self.places["Global"],
            operation_state=self.places["Operation"],
            output=self.places["Output"],
            outputs=self.outputs_of,
            staging=self.run.staging,
            task=node.hash,
        )

    def outputs_of(self, hash: str) -> Mapping[str, Any] | None:
        return self.nodes[hash].outputs if hash in self.plan.nodes else None

    def write(self, address: str, value: Any) -> None:
        """Put a value into the run's state. Raises BadAddress."""
        place, steps = target_of(address)
        self.places[place] = written(self.places[place], steps, value)

    def after(self, milliseconds: int) -> datetime | None:
        """The moment so long after now; None for 0, which means never."""
        return self.now + timedelta(milliseconds=milliseconds) if milliseconds else None

    # The end.

    def result(self, status: str) -> Run:
        return replace(
            self.run,
            status=status,
            global_state=self.places["Global"],
            operation_state=self.places["Operation"],
            output=self.places["Output"],
            queue=tuple(self.queue),
            joins=self.joins,
            active=self.active,
            waiting=self.waiting,
            steps=self.steps,
            errors=self.errors,
            nodes=self.nodes,
        )


def bounded(log: tuple[str, ...]) -> list[str]:
    """A log as the history keeps it."""
    return [str(line)[:LOG_LENGTH] for line in log[:LOG_LINES]]
