"""Short words for graphs, and a world that answers what a run orders."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schema.runs.catalog import Types, built_in, cards
from schema.runs.rules.engine import advance
from schema.runs.rules.graph import Plan, plan_of
from schema.runs.rules.run import (
    FINAL,
    Begin,
    Continue,
    Due,
    Effect,
    Execute,
    Finished,
    GoOn,
    Happening,
    Note,
    Run,
    Start,
    Work,
)
from schema.runs.rules.tasks import Catalog

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CATALOG = Types(built_in(), lambda: cards([{"Capability": "Lab", "Action": "Do"}, {"Capability": "Lab", "Action": "Other"}]))


def node(hash: str, type: str = "beacon-lab-do", join: str = "any", policy: Mapping[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    return {"Hash": hash, "Type": type, "Join": join, "Data": data, "Policy": policy or {}}


def edge(text: str) -> dict[str, Any]:
    """`a.Complete>b.Trigger`."""
    (source, event), (target, input) = (end.split(".") for end in text.split(">"))
    ends = {"SourceNodeHash": source, "TargetNodeHash": target}
    return {"Hash": text, **ends, "SourcePortHash": f"{source}-eo-{event}", "TargetPortHash": f"{target}-ei-{input}"}


def wire(text: str, **data: Any) -> dict[str, Any]:
    """`a.Result>b.Value`."""
    (source, output), (target, setting) = (end.split(".") for end in text.split(">"))
    ends = {"SourceNodeHash": source, "TargetNodeHash": target, "Data": data}
    return {"Hash": text, **ends, "SourcePortHash": f"{source}-so-{output}", "TargetPortHash": f"{target}-si-{setting}"}


def operation(nodes: Iterable[dict[str, Any]], edges: Iterable[str | dict[str, Any]], **more: Any) -> dict[str, Any]:
    """With a start node that is called `start`."""
    connections = [edge(one) if isinstance(one, str) else one for one in edges]
    graph = {"Nodes": [{"Hash": "start", "Type": "start"}, *nodes], "Connections": connections}
    return {"Hash": "op", "Name": "An operation", "Graph": graph, **more}


def planned(nodes: Iterable[dict[str, Any]], edges: Iterable[str | dict[str, Any]], **more: Any) -> Plan:
    return plan_of(operation(nodes, edges, **more))


@dataclass
class World:
    """Carries out what is ordered, in whatever order its chance likes, and keeps what happened so that it can be played again."""

    plan: Plan
    run: Run = field(default_factory=lambda: Run("run-1"))
    catalog: Catalog = field(default_factory=lambda: CATALOG)
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    now: datetime = NOON
    history: list[tuple[Happening, datetime]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    open: list[Happening] = field(default_factory=list)

    def happen(self, happening: Happening) -> list[Effect]:
        self.history.append((happening, self.now))
        self.run, effects = advance(self.plan, self.catalog, self.run, happening, self.now)
        self.effects += effects
        for effect in effects:
            if isinstance(effect, GoOn):
                self.open.append(Continue())
            elif isinstance(effect, Work | Execute | Start):
                self.open.append(self.answer(effect))
        return effects

    def answer(self, effect: Work | Execute | Start) -> Finished:
        outputs = {"Status": "Complete", "Result": effect.node} if isinstance(effect, Start) else {"Result": effect.node}
        return Finished(effect.node, effect.execution, effect.attempt, outputs)

    def play(self, most: int = 100_000) -> Run:
        """Begin, and go on until nothing is open."""
        if not self.history:
            self.happen(Begin())
        for _ in range(most):
            due = tuple(hash for hash in self.run.nodes if self.run.nodes[hash].due_at)
            if not self.open and not due:
                break
            if self.open:
                self.happen(self.open.pop(self.chance.randrange(len(self.open))))
            else:
                self.now += timedelta(days=8)
                self.happen(Due(due))
        return self.run

    def notes(self, kind: str) -> list[str]:
        return [effect.node for effect in self.effects if isinstance(effect, Note) and effect.kind == kind]

    def said(self, kind: str) -> list[str]:
        return [str(effect.told.get("Message")) for effect in self.effects if isinstance(effect, Note) and effect.kind == kind]

    @property
    def ended(self) -> bool:
        return self.run.status in FINAL
