"""What a step of a run needs: its row, its plan, its nodes as they are asked for, and the task types that there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from schema.hub.tables import beacon
from schema.runs.catalog import Types, built_in, cards
from schema.runs.ids import node_id
from schema.runs.rules.graph import Plan, plan_of
from schema.runs.rules.nodes import NodeState
from schema.runs.state import node_of
from schema.runs.tables import node, revision, run
from schema.runs.types.base import Task
from tasks.rows import Row
from tasks.runs.lifting import whole
from tasks.unit import Unit

#: Plans that a process keeps; one of a thousand nodes is about 1 MB.
PLANS = 64

_SCHEMAS = sa.select(beacon.c.action_schemas).where(beacon.c.hub == sa.bindparam("of_hub")).order_by(beacon.c.registered_at)
_plans: dict[str, Plan] = {}


def load(unit: Unit, hub: str, run_hash: str) -> Row | None:
    """The run's row as this unit has left it, None when this hub has none of that hash."""
    row = unit.find(run, (run_hash,))
    return row if row is not None and row["hub"] == hub else None


def plan_for(unit: Unit, revision_id: str) -> Plan:
    """The plan of a revision: made once per process, for a revision never changes."""
    found = _plans.get(revision_id)
    if found is None:
        document = unit.read(sa.select(revision.c.document).where(revision.c.id == revision_id)).scalar_one()
        found = plan_of(document)
        while len(_plans) >= PLANS:
            del _plans[next(iter(_plans))]
        _plans[revision_id] = found
    return found


def types_of(unit: Unit, hub: str) -> Types:
    """The task types as this unit knows them."""
    known: Types | None = unit.notes.get(types_of)
    if known is None:
        known = unit.notes[types_of] = Types(built_in(unit.settings.run_local_shell), lambda: _cards(unit, hub))
    return known


def _cards(unit: Unit, hub: str) -> Mapping[str, Task]:
    schemas = unit.read(_SCHEMAS, {"of_hub": hub}).scalars()
    return cards(row for schemas in schemas for row in schemas if isinstance(row, Mapping))


@lru_cache(maxsize=16)
def staging_root(data: str) -> Path:
    """Where the folders of runs are."""
    return Path(data) / "staging"


def staging_of(data: str, run_hash: str) -> str:
    """The folder of a run; it is made by whoever first writes into it."""
    return str(staging_root(data) / run_hash)


class Kept(Mapping[str, NodeState]):
    """The nodes of a run as SQL has them, read when they are asked for."""

    def __init__(self, unit: Unit, run_hash: str, empty: bool = False) -> None:
        self._unit = unit
        self._run = run_hash
        self._empty = empty
        self._known: dict[str, NodeState | None] = {}

    def row(self, hash: str) -> Row | None:
        """The node's row, None for one that nobody has touched."""
        return None if self._empty else self._unit.find(node, (node_id(self._run, hash),))

    def __getitem__(self, hash: str) -> NodeState:
        if hash not in self._known:
            row = self.row(hash)
            self._known[hash] = None if row is None else node_of({**row, "outputs": whole(self._unit, row)} if row["stored"] else row)
        found = self._known[hash]
        if found is None:
            raise KeyError(hash)
        return found

    def __iter__(self) -> Iterator[str]:
        return (hash for hash, state in self._known.items() if state is not None)

    def __len__(self) -> int:
        return sum(state is not None for state in self._known.values())

    def foresee(self, plan: Plan, hashes: Iterable[str]) -> None:
        """Read the nodes that a step beginning at these will touch, with one statement."""
        if not self._empty:
            keys = [(node_id(self._run, hash),) for hash in near(plan, hashes)]
            self._unit.fetch(node, keys)


def near(plan: Plan, hashes: Iterable[str]) -> set[str]:
    """These nodes, those that follow them, and those whose outputs they take."""
    found = set(hashes)
    found |= {edge.target for hash in tuple(found) for edge in plan.out.get(hash, ())}
    found |= {wire.source for hash in tuple(found) for wire in plan.wires.get(hash, ())}
    return found


def key_values(unit: Unit, row: Row, plan: Plan, hash: str) -> dict[str, Any]:
    """The columns of a node's row that never change."""
    made = {"id": node_id(row["run_hash"], hash), "hub": row["hub"], "run_hash": row["run_hash"], "node_hash": hash}
    return made | {"type": plan.nodes[hash].type[:256]}
