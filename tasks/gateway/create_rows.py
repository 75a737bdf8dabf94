"""Store new rows of a foreign database."""

from __future__ import annotations

from schema.gateway.commands import CreateRows
from schema.outcome import Done, Outcome
from tasks.gateway.rows import Declined, all_or_nothing, fresh, insert, served
from tasks.visit import Visit


def create_rows(command: CreateRows, visit: Visit) -> Outcome:
    """All or none. The answer is what is stored."""
    try:
        entity = served(command, visit)
        with all_or_nothing(visit):
            made = [insert(entity, fresh(entity, row, visit), visit) for row in command.rows]
    except Declined as declined:
        return declined.refused
    return Done({"Rows": made} if command.many else made[0])
