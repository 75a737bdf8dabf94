"""What types that touch the world have in common: they are judged here, and carried out by a worker (`tasks/runs/world`)."""

from __future__ import annotations

from typing import Any

from schema.runs.rules.tasks import Answer, Call, Perform
from schema.runs.types.base import Task


class WorldTask(Task):
    """Carried out by a worker process, outside of any transaction. Its limit is TimeoutMs where it has that setting."""

    tier = "Platform"
    timeout_ms = 60_000

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        return Perform({**given, "StagingPath": call.scope.staging}, given.get("TimeoutMs") or self.timeout_ms)
