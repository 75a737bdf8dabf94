"""What an item may reach: what everybody may, and what its submitter has added. It is looked up each time, so what was revoked is over at once."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from schema.gateway.rules.proxied import READ_ONLY
from schema.gateway.tables import policy
from tasks.mesh.errand import Errand
from tasks.unit import look

_MINE = sa.select(policy.c.pattern).where(
    policy.c.hub == sa.bindparam("of_hub"),
    policy.c.owner == sa.bindparam("of_owner"),
    sa.or_(policy.c.expires_at.is_(None), policy.c.expires_at > sa.bindparam("now")),
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Patterns of paths, and whether anything may be changed."""

    patterns: list[str]
    writes: bool


def reach_of(errand: Errand) -> Reach:
    settings = errand.kernel.settings
    with look(errand.kernel.engine) as control:
        wanted = {"of_hub": errand.hub, "of_owner": str(errand.submitter.actor), "now": errand.kernel.now()}
        own = set(control.execute(_MINE.order_by(policy.c.id), wanted).scalars())
    added = sorted(own - {READ_ONLY}) if settings.proxy_widen else []
    return Reach([*settings.proxy_paths.split(), *added], settings.proxy_writes and READ_ONLY not in own)
