"""The connection that an address names: a lane is opened for none that is not there, for nobody would ever serve it."""

from __future__ import annotations

import sqlalchemy as sa

from app.gateway import questions
from app.gateway.here import hub_id
from app.gateway.numbers import number
from app.refusing import refuse


def connection_of(id: str) -> sa.RowMapping:
    """The connection; refuses where there is none."""
    row = questions.connection_by_id(hub_id(), number(id))
    if row is None:
        refuse("not_found", "Connection not found")
    return row
