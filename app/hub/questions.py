"""What can be read of the hub. One statement per answer wherever one will do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from app.reading import ask
from schema.content.tables import blob
from schema.hub.rules.lifecycle import BUCKET_NAMES, BUCKETS, FINAL, HELD, QUEUED
from schema.hub.tables import action_default, affinity, artifact, beacon, pause, tally, work_attempt, work_event, work_item

Rows = Sequence[sa.RowMapping]

LIVE = tuple(status for status in BUCKETS if status not in FINAL)
ENDED = tuple(FINAL)

_OF_HUB = work_item.c.hub == sa.bindparam("of_hub")
_BEACON = sa.select(beacon).where(beacon.c.hub == sa.bindparam("of_hub"), beacon.c.beacon_id == sa.bindparam("id"), beacon.c.status != "Deregistered")
_ITEM = sa.select(work_item).where(_OF_HUB, work_item.c.work_item_hash == sa.bindparam("hash"))
_HELD = (
    sa.select(work_item.c.assigned_beacon_id, work_item.c.work_item_hash)
    .where(_OF_HUB, work_item.c.status.in_(HELD), work_item.c.assigned_beacon_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(work_item.c.dispatched_at)
)
_HOLDER = sa.select(work_item.c.assigned_beacon_id, work_item.c.attempt_number).where(
    _OF_HUB, work_item.c.work_item_hash == sa.bindparam("hash"), work_item.c.status.in_(HELD)
)
_HOLDING = sa.select(beacon.c.beacon_id, beacon.c.presence_ms, beacon.c.last_contact_at).where(
    beacon.c.hub == sa.bindparam("of_hub"), beacon.c.beacon_id.in_(sa.bindparam("ids", expanding=True))
)
_ABILITIES = (
    sa.select(beacon.c.beacon_id, beacon.c.name, beacon.c.status, beacon.c.capabilities, beacon.c.actions, beacon.c.action_schemas)
    .where(beacon.c.hub == sa.bindparam("of_hub"), beacon.c.status != "Deregistered")
    .order_by(beacon.c.registered_at, beacon.c.beacon_id)
)
#: Items whose holders are asked for with one statement.
_TOGETHER = 64
#: Past waits that are looked at.
RECENT = 300
_WAITS = (
    sa.select(work_item.c.capability, work_item.c.action, work_item.c.queue_wait_ms)
    .where(_OF_HUB, work_item.c.status == "Complete")
    .order_by(work_item.c.ticket.desc())
    .limit(RECENT)
)
_BASELINES = sa.select(
    action_default.c.capability,
    action_default.c.action,
    action_default.c.expected_wait_p95_ms,
    action_default.c.heartbeat_expected_ms,
    action_default.c.min_samples_for_baseline,
).where(action_default.c.hub == sa.bindparam("of_hub"))
_ARTIFACTS = (
    sa.select(artifact)
    .where(artifact.c.hub == sa.bindparam("of_hub"), artifact.c.work_item_hash == sa.bindparam("hash"))
    .order_by(artifact.c.attempt_number, artifact.c.filename)
)
_ARTIFACT = (
    sa.select(artifact, blob.c.upload_id, blob.c.chunk_bytes)
    .join(blob, blob.c.digest == artifact.c.digest)
    .where(artifact.c.hub == sa.bindparam("of_hub"), artifact.c.work_item_hash == sa.bindparam("hash"), artifact.c.digest == sa.bindparam("digest"))
    .order_by(artifact.c.attempt_number.desc(), artifact.c.filename)
    .limit(1)
)
_COUNTS = sa.select(tally.c.capability, tally.c.action, tally.c.status, tally.c["items"]).where(tally.c.hub == sa.bindparam("of_hub"))

_STATUSES = (
    sa.select(beacon.c.status, sa.func.count().label("n"))
    .where(beacon.c.hub == sa.bindparam("of_hub"), beacon.c.status != "Deregistered")
    .group_by(beacon.c.status)
)
_WAITING = sa.select(sa.func.sum(tally.c["items"]).label("n")).where(tally.c.hub == sa.bindparam("of_hub"), tally.c.status.in_(QUEUED))

_PAUSED = sa.select(pause.c.capability).where(pause.c.hub == sa.bindparam("of_hub"))


def _rows(statement: sa.Executable, params: Mapping[str, Any] | None = None) -> Rows:
    return ask(statement, params)


def beacons(hub: str, limit: int, after: str | None) -> Rows:
    """Registered beacons by id, a page at a time."""
    statement = sa.select(beacon).where(beacon.c.hub == hub, beacon.c.status != "Deregistered").order_by(beacon.c.beacon_id).limit(limit)
    if after is not None:
        statement = statement.where(beacon.c.beacon_id > after)
    return _rows(statement)


def beacon_by_id(hub: str, beacon_id: str) -> sa.RowMapping | None:
    """One beacon, None when it is unknown or has left."""
    return next(iter(_rows(_BEACON, {"of_hub": hub, "id": beacon_id})), None)


def held_by(hub: str, beacon_ids: Sequence[str]) -> dict[str, list[str]]:
    """Hashes of the items that each beacon holds, oldest first; beacons that hold nothing are left out."""
    held: dict[str, list[str]] = {}
    for row in _rows(_HELD, {"of_hub": hub, "ids": list(beacon_ids)}):
        held.setdefault(row["assigned_beacon_id"], []).append(row["work_item_hash"])
    return held


def item_by_hash(hub: str, work_item_hash: str) -> sa.RowMapping | None:
    """One work item."""
    return next(iter(_rows(_ITEM, {"of_hub": hub, "hash": work_item_hash})), None)


def is_held(hub: str, beacon_id: str, work_item_hash: str, attempt: int) -> bool:
    """Whether the beacon holds this very attempt now: an assignment may have been taken back while it lay in the inbox."""
    return any(
        row["assigned_beacon_id"] == beacon_id and row["attempt_number"] == attempt for row in _rows(_HOLDER, {"of_hub": hub, "hash": work_item_hash})
    )


def held_of(hub: str, hashes: Sequence[str]) -> set[tuple[str, str, int]]:
    """(beacon, item, attempt) of those of the items that somebody holds now."""
    found = set()
    for start in range(0, len(hashes), _TOGETHER):
        part = hashes[start : start + _TOGETHER]
        size = 1 << (len(part) - 1).bit_length()
        params = {"of_hub": hub} | {f"hash_{n}": hash for n, hash in enumerate([*part, *[""] * (size - len(part))])}
        found |= {(row["assigned_beacon_id"], row["work_item_hash"], row["attempt_number"]) for row in _rows(_holders(size), params)}
    return found


@lru_cache(maxsize=16)
def _holders(size: int) -> sa.Select[Any]:
    """For so many items, a power of two: each batch of a socket asks, and a list of another length would be put together anew each time."""
    hashes: list[Any] = [sa.bindparam(f"hash_{n}") for n in range(size)]
    columns = (work_item.c.assigned_beacon_id, work_item.c.work_item_hash, work_item.c.attempt_number)
    return sa.select(*columns).where(_OF_HUB, work_item.c.status.in_(HELD), work_item.c.work_item_hash.in_(hashes))


def items(hub: str, statuses: Sequence[str], limit: int, after: str | None, newest_first: bool = False) -> Rows:
    """Items in the given states by age, a page at a time; `after` is the ticket of the last one seen."""
    params = {"of_hub": hub, "most": limit} | ({} if after is None else {"after": after})
    return _rows(_items(tuple(statuses), after is not None, newest_first), params)


@lru_cache(maxsize=256)
def _items(statuses: tuple[str, ...], continued: bool, newest_first: bool) -> sa.Select[Any]:
    """One state at a time, each by its own index: a few live items are not looked for among all that have ended."""
    if set(statuses) == set(BUCKETS):
        return _page(work_item, continued, newest_first).where(_OF_HUB)
    pages = [_page(work_item, continued, newest_first).where(_OF_HUB, work_item.c.status == status) for status in statuses]
    found = sa.union_all(*(sa.select(page.subquery()) for page in pages)).subquery()
    return _page(found, False, newest_first)


def _page(of: sa.FromClause, continued: bool, newest_first: bool) -> sa.Select[Any]:
    ticket = of.c.ticket
    page = sa.select(of).order_by(ticket.desc() if newest_first else ticket).limit(sa.bindparam("most"))
    if not continued:
        return page
    return page.where(ticket < sa.bindparam("after") if newest_first else ticket > sa.bindparam("after"))


def events_of(work_item_hash: str, limit: int, after: int) -> Rows:
    """An item's history in order, from the event after number `after`."""
    mine = (work_event.c.work_item_hash == work_item_hash) & (work_event.c.seq > after)
    return _rows(sa.select(work_event).where(mine).order_by(work_event.c.seq).limit(limit))


def attempts_of(work_item_hash: str) -> Rows:
    """An item's attempts in order."""
    return _rows(sa.select(work_attempt).where(work_attempt.c.work_item_hash == work_item_hash).order_by(work_attempt.c.attempt_number))


def artifacts_of(hub: str, work_item_hash: str) -> Rows:
    """The files that an item's attempts have put out, in the order of attempts and names."""
    return _rows(_ARTIFACTS, {"of_hub": hub, "hash": work_item_hash})


def artifact_by_digest(hub: str, work_item_hash: str, digest: str) -> sa.RowMapping | None:
    """One of them with the place of its content; the newest where several have the same."""
    return next(iter(_rows(_ARTIFACT, {"of_hub": hub, "hash": work_item_hash, "digest": digest})), None)


def beacons_of(hub: str, ids: Sequence[str]) -> Rows:
    """What some beacons have promised of their contact."""
    return _rows(_HOLDING, {"of_hub": hub, "ids": list(ids)})


def abilities(hub: str) -> Rows:
    """What each registered beacon can do, in the order of their registration."""
    return _rows(_ABILITIES, {"of_hub": hub})


def recent_waits(hub: str) -> Rows:
    """How long the newest finished items had waited."""
    return _rows(_WAITS, {"of_hub": hub})


def action_baselines(hub: str) -> Rows:
    """What the operator has said of actions, as far as it concerns the health of their items."""
    return _rows(_BASELINES, {"of_hub": hub})


def affinities(hub: str, limit: int, after: str | None) -> Rows:
    """Bindings that hold, a page at a time; a beacon's own name is none."""
    statement = sa.select(affinity).where(affinity.c.hub == hub, affinity.c.expires_at > datetime.now(UTC)).order_by(affinity.c.id).limit(limit)
    return _rows(statement if after is None else statement.where(affinity.c.id > after))


def summary(hub: str) -> dict[str, Any]:
    """How many items stand where, in all and by capability: counts that units keep, so the answer does not depend on how many there are."""
    buckets = dict.fromkeys(BUCKET_NAMES, 0)
    capabilities: dict[tuple[str, str], dict[str, Any]] = {}
    for row in _rows(_COUNTS, {"of_hub": hub}):
        buckets[BUCKETS[row["status"]]] += row["items"]
        named = {"Capability": row["capability"], "Action": row["action"], "Queued": 0, "Running": 0, "Stalled": 0}
        lane = capabilities.setdefault((row["capability"], row["action"]), named)
        if row["status"] in LIVE:
            lane[row["status"] if row["status"] in HELD else "Queued"] += row["items"]
    busy = [lane for lane in capabilities.values() if lane["Queued"] or lane["Running"] or lane["Stalled"]]
    return {"Buckets": buckets, "ByCapability": sorted(busy, key=lambda lane: (lane["Capability"], lane["Action"]))}


def beacons_by_status(hub: str) -> dict[str, int]:
    """How many beacons are registered, by their state."""
    return {row["status"]: int(row["n"]) for row in _rows(_STATUSES, {"of_hub": hub})}


def waiting_items(hub: str) -> int:
    """How many items wait, from the counts that units keep."""
    return int(_rows(_WAITING, {"of_hub": hub})[0]["n"] or 0)


#: Lanes that are told of by name, those with most live items first.
MOST_LANES = 200


def lanes(hub: str) -> dict[str, Any]:
    """How many items stand in each state, in all and by capability and action, from the counts that units keep."""
    sums = dict.fromkeys(BUCKETS, 0)
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in _rows(_COUNTS, {"of_hub": hub}):
        sums[row["status"]] += row["items"]
        found.setdefault((row["capability"], row["action"]), {})[row["status"]] = row["items"]
    order = sorted(found, key=lambda lane: (-sum(found[lane].get(status, 0) for status in LIVE), lane))
    paused = {row["capability"] for row in _rows(_PAUSED, {"of_hub": hub})}
    buckets = dict.fromkeys(BUCKET_NAMES, 0)
    for status, number in sums.items():
        buckets[BUCKETS[status]] += number
    named = [
        {
            "Capability": capability,
            "Action": action,
            "Paused": capability in paused,
            "Statuses": dict.fromkeys(BUCKETS, 0) | found[capability, action],
        }
        for capability, action in sorted(order[:MOST_LANES])
    ]
    return {"Statuses": sums, "Buckets": buckets, "Lanes": named, "MoreLanes": max(0, len(order) - MOST_LANES)}
