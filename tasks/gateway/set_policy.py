"""What the one who asks may reach through work items, beside what everybody may."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from schema.gateway.commands import SetPolicy
from schema.gateway.rules.proxied import READ_ONLY
from schema.gateway.tables import policy
from schema.outcome import Done, Outcome, Refused
from schema.patterns import BadPattern, pattern_of
from tasks.ledger.audit import note
from tasks.unit import Unit

#: Patterns of one owner.
MOST = 100


def set_policy(command: SetPolicy, unit: Unit) -> Outcome:
    """Add, replace or revoke, under the owner's name; who did is written down."""
    try:
        for pattern in command.patterns:
            pattern_of(pattern)
    except BadPattern as error:
        note(unit, command.name, "proxy", "refused", {"Reason": str(error)})
        return Refused("invalid", str(error), {"Fields": {"PathAllowlist": [str(error)]}})
    mine = (policy.c.hub == command.hub) & (policy.c.owner == command.owner)
    unit.change(sa.delete(policy).where(mine, policy.c.expires_at <= unit.now))
    known = set(unit.read(sa.select(policy.c.pattern).where(mine)).scalars())
    gone = set(command.revoked) | (known - {READ_ONLY} - set(command.patterns) if command.replace else set())
    fresh = [pattern for pattern in dict.fromkeys(command.patterns) if pattern not in known]
    if command.writes is not None:
        gone |= {READ_ONLY} if command.writes else set()
        fresh += [] if command.writes or READ_ONLY in known else [READ_ONLY]
    if len((known | set(fresh)) - gone) > MOST:
        return Refused("conflict", f"One caller has at most {MOST} patterns.")
    unit.change(sa.delete(policy).where(mine, policy.c.pattern.in_(sorted(gone))))
    expires = unit.now + timedelta(seconds=command.seconds) if command.seconds else None
    for pattern in fresh:
        row = {"id": unit.new_id(), "hub": command.hub, "owner": command.owner, "pattern": pattern}
        unit.add(policy, {**row, "expires_at": expires, "created_at": unit.now})
    added = [pattern for pattern in fresh if pattern != READ_ONLY]
    told = {"Added": added, "Revoked": sorted(gone & known), "AllowWrites": command.writes, "Seconds": command.seconds}
    note(unit, command.name, "proxy", "changed", told)
    return Done({"Success": True, "PatternsAdded": len(added)})
