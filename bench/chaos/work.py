"""The work of a drill: Synthetic work that leaves a line in a file each time it is really done, so that work done twice can be counted."""

from __future__ import annotations

import os
from typing import Any

from beacon.providers.contract import Context, Outputs
from beacon.providers.synthetic import Synthetic
from bench.chaos.plan import ACTION, CAPABILITY

#: Environment variable with the path of that file.
EXECUTIONS = "CHAOS_EXECUTIONS"


class Recorded(Synthetic):
    """Gives the item's key back as its result: a result that ended up with another item would be seen."""

    def __init__(self) -> None:
        super().__init__(CAPABILITY, (ACTION,), duration_ms=5)
        self._file = os.open(os.environ[EXECUTIONS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        outputs = super().execute(action, settings, context)
        # One short write to a file opened for appending: whole lines, whoever else writes and whenever we are killed.
        os.write(self._file, f"{settings['Key']}\n".encode())
        return {**outputs, "Key": settings["Key"]}
