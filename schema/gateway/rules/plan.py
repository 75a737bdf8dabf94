"""What is to be done to bring a database to its descriptor: forward only, each step with what it may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

#: Hazard -> what it means to whoever decides.
HAZARDS = {
    "none": "nobody notices",
    "locks": "writers of the table wait while it is done",
    "may fail": "it fails, and nothing is changed, where rows do not allow it",
    "destructive": "it is never done here; somebody has to do it by hand",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One difference. `kind`: `create-table`, `add-column`, `create-index`, or one that is only listed: `drop-table`, `drop-column`,
    `alter-column`, `drop-index`. `subject` is the table, `name` the column or index.
    """

    kind: str
    subject: str
    name: str = ""
    statement: str = ""
    unique: bool = False
    fresh: bool = False

    @property
    def hazard(self) -> str:
        """What doing it may cost."""
        if self.kind not in FORWARD:
            return "destructive"
        if self.kind == "create-index" and not self.fresh:
            return "may fail" if self.unique else "locks"
        return "none"

    @property
    def tag(self) -> str:
        """The step as clients know those that are not done: `drop-column:Table.Column`, `drop-index:Name`."""
        named = {"drop-column": f"{self.subject}.{self.name}", "alter-column": f"{self.subject}.{self.name}", "drop-index": self.name}
        return f"{self.kind}:{named.get(self.kind, self.subject)}"


#: What is done; all else is only listed.
FORWARD = ("create-table", "add-column", "create-index")


def digest_of(statements: Sequence[str]) -> str:
    """The name of a plan: the same for the same statements in their order."""
    return sha256("\n".join(statements).encode()).hexdigest()[:32]


def outputs(name: str, engine: str, done: Sequence[Step], skipped: Sequence[Step], notes: Sequence[str]) -> dict[str, Any]:
    """What clients are told."""
    tags = sorted({step.tag for step in skipped})
    told = list(notes)
    if tags:
        told.append(f"{len(tags)} differences would take something away and were left as they are.")
    return {
        "Success": True,
        "SchemaName": name,
        "Engine": engine,
        "TablesCreated": [step.subject for step in done if step.kind == "create-table"],
        "ColumnsAdded": [f"{step.subject}.{step.name}" for step in done if step.kind == "add-column"],
        "IndicesCreated": [step.name for step in done if step.kind == "create-index"],
        "MigrationStatements": [step.statement for step in done],
        "SkippedDestructive": tags,
        "Notes": told,
    }
