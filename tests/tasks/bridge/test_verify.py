"""Both sides are compared row by row; what somebody did by hand over there is reported, and stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schema import envelope as keys
from schema.bridge.commands import SetRetention, SweepTarget, Verify
from schema.hub.commands import CancelWork
from tasks.bridge.watching import sweeps
from tests.tasks.bridge.conftest import Bridge


def verified(bridge: Bridge) -> dict[str, Any]:
    return bridge.asked(Verify(hub="h", connection=bridge.connection))


def filled(bridge: Bridge) -> list[str]:
    """A hub with items in several states, all of them over there."""
    bridge.assign()
    ada = bridge.hub.register("ada", slots=3)
    hashes = bridge.hub.enqueue(8, settings={"a": [1, {"b": None}]}, submitter_tag="ä")
    held = [offer["WorkItemHash"] for offer in bridge.hub.inbox(ada)]
    bridge.hub.done(bridge.hub.complete(held[0], ada, 1, n=1.5), bridge.hub.fail(held[1], ada, 1))
    bridge.mirror()
    return hashes


def test_equal_sides_have_equal_counts_and_checksums(bridge: Bridge) -> None:
    filled(bridge)
    told = verified(bridge)
    assert told["Equal"]
    for name, part in told["Tables"].items():
        assert part["Rows"]["Hub"] == part["Rows"]["Database"], name
        assert part["Rows"]["Hub"] > 0 or name == "UVManifest"
        assert part["Checksum"]["Hub"] == part["Checksum"]["Database"], name


def test_a_row_that_is_changed_removed_or_added_by_hand_is_named_and_left_alone(bridge: Bridge) -> None:
    hashes = sorted(filled(bridge))
    c, items = bridge.column, bridge.table("UVQueueWorkItem")
    bridge.write_there(f"UPDATE {items} SET {c('Priority')} = 99 WHERE {c('WorkItemHash')} = :h", h=hashes[0])
    bridge.write_there(f"DELETE FROM {items} WHERE {c('WorkItemHash')} = :h", h=hashes[1])
    bridge.write_there(f"UPDATE {items} SET {c('WorkItemHash')} = 'foreign' WHERE {c('WorkItemHash')} = :h", h=hashes[2])
    part = verified(bridge)["Tables"]["UVQueueWorkItem"]
    assert not part["Equal"]
    assert part["Different"] == {"Count": 1, "Keys": [hashes[0]]}
    assert part["Missing"] == {"Count": 2, "Keys": hashes[1:3]}
    assert part["Extra"] == {"Count": 1, "Keys": ["foreign"]}
    bridge.mirror()
    assert bridge.there(f"SELECT {c('Priority')} FROM {items} WHERE {c('WorkItemHash')} = :h", h=hashes[0])[0][0] == 99


def test_rows_that_are_on_their_way_are_no_difference(bridge: Bridge) -> None:
    filled(bridge)
    bridge.hub.enqueue(2)
    told = verified(bridge)
    assert told["Equal"]
    assert told["Tables"]["UVQueueWorkItem"]["InFlight"] == 2
    assert told["Tables"]["UVQueueWorkItem"]["Rows"] == {"Hub": 10, "Database": 8}


def test_of_a_database_without_us_nothing_can_be_said(bridge: Bridge) -> None:
    bridge.assign()
    assert bridge.refused(Verify(hub="h", connection=bridge.connection)) in ("conflict", "target_unavailable")


@pytest.mark.parametrize(("keeping", "left"), [({"retention_days": 2}, 1), ({"cancelled_retention_days": 2}, 3), ({"retention_days": 90}, 4)])
def test_what_has_been_kept_long_enough_goes_and_is_missed_by_nobody(bridge: Bridge, keeping: dict[str, int], left: int) -> None:
    bridge.assign()
    ada = bridge.hub.register("ada", slots=2)
    done = bridge.hub.enqueue(2)
    bridge.hub.done(*[bridge.hub.complete(hash, ada, 1) for hash in done])
    bridge.hub.register("ada", slots=2, capabilities=("Other",))
    gone, _ = bridge.hub.enqueue(2)
    bridge.hub.done(CancelWork(hub="h", work_item_hash=gone))
    bridge.mirror()
    bridge.carry_out(SetRetention(hub="h", **keeping))
    bridge.hub.clock.ahead = timedelta(days=10)
    dry = bridge.asked(SweepTarget(hub="h", connection=bridge.connection, dry=True))
    assert (dry["Items"], count(bridge)) == (4 - left, 4)
    bridge.carry_out(SetRetention(hub="h", legal_hold=True))
    assert bridge.asked(SweepTarget(hub="h", connection=bridge.connection))["Items"] == 0
    bridge.carry_out(SetRetention(hub="h", legal_hold=False))
    assert bridge.asked(SweepTarget(hub="h", connection=bridge.connection))["Items"] == 4 - left
    assert count(bridge) == left
    hashes = bridge.there(f"SELECT DISTINCT {bridge.column('WorkItemHash')} FROM {bridge.table('UVQueueWorkItemEvent')}")
    assert len(hashes) == left, "with an item goes all that belongs to it"
    assert verified(bridge)["Equal"]
    bridge.hub.clock.ahead = None


def count(bridge: Bridge) -> int:
    return int(bridge.there(f"SELECT count(*) FROM {bridge.table('UVQueueWorkItem')}")[0][0])


@pytest.mark.parametrize("target_url", ["sqlite"], indirect=True)
def test_the_clock_sweeps_those_that_do_not_keep_their_rows_for_ever(bridge: Bridge) -> None:
    filled(bridge)
    assert sweeps(bridge.hub.kernel) == []
    bridge.carry_out(SetRetention(hub="h", retention_days=1))
    assert sweeps(bridge.hub.kernel) == [SweepTarget(hub="h", connection=bridge.connection)]
    bridge.carry_out(SetRetention(hub="h", legal_hold=True))
    assert sweeps(bridge.hub.kernel) == []
    assert not bridge.hub.kernel.redis.exists(keys.hold(bridge.reader))
