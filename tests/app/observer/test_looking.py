"""Looking for items: filters, orders, pages that stop, the outcome of many at once."""

from __future__ import annotations

from typing import Any

import pytest

from app.hub import board
from tests.app.observer.conftest import Front


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page looks through three items only."""
    monkeypatch.setattr(board, "LOOKED_THROUGH", 3)
    monkeypatch.setattr(board, "READ_THROUGH", 3)


def hashes(told: dict[str, Any]) -> list[str]:
    return [item["WorkItemHash"] for item in told["Items"]]


def walked(front: Front, query: str) -> list[str]:
    """All pages, one after the other."""
    found: list[str] = []
    told = front.get(f"/api/items?{query}")
    while True:
        found += hashes(told)
        if told["Next"] is None:
            return found
        told = front.get(f"/api/items?{query}&after={told['Next']}", budget=2)


def test_filters_narrow_and_add_up(front: Front) -> None:
    shell = front.enqueue(2, Settings={"Command": "echo needle"})
    file = front.enqueue(2, Capability="File", Action="Copy", SubmitterTag="nightly")
    assert walked(front, "capability=File") == file[::-1]
    assert walked(front, "capability=File&action=Move") == []
    assert walked(front, "text=NEEDLE") == shell[::-1]
    assert walked(front, "text=nightly&capability=File") == file[::-1]
    assert walked(front, f"text={shell[0]}") == [shell[0]]
    assert walked(front, f"text={shell[0][-8:]}") == [shell[0]]
    run = front.get(f"/Beacon/Work/{file[1]}")["RunID"]
    assert walked(front, f"run={run}") == [file[1]]
    assert walked(front, f"run={run}&status=Complete") == []
    assert walked(front, "text=100%25") == walked(front, "text=_") == []


def test_a_beacon_finds_what_it_holds_and_held(front: Front) -> None:
    beacon = front.register(slots=2)
    one, two, three = front.enqueue(3)
    front.complete(one)
    assert set(walked(front, f"beacon={beacon}")) == {one, two, three}
    assert walked(front, f"beacon={beacon}&bucket=Completed") == [one]
    assert walked(front, f"beacon={beacon}&status=Running&order=oldest") == [two, three]


def test_orders(front: Front) -> None:
    low, high, normal = (front.enqueue(Priority=priority)[0] for priority in (-1, 5, 0))
    assert walked(front, "order=newest&limit=1") == [normal, high, low]
    assert walked(front, "order=oldest&limit=1") == [low, high, normal]
    assert walked(front, "order=next&limit=1") == [high, normal, low]
    front.get("/api/items?order=next&status=Running", 400)
    front.get("/api/items?after=nonsense", 400)
    front.get(f"/api/items?order=next&after={front.get('/api/items?limit=1')['Next']}", 400)


@pytest.mark.parametrize("order", ["newest", "oldest", "next"])
def test_a_page_that_has_looked_through_enough_says_where_it_stopped(front: Front, few: None, order: str) -> None:
    front.enqueue(4)
    rare = front.enqueue(1, Capability="Rare")
    front.enqueue(5)
    told = front.get(f"/api/items?capability=Rare&order={order}", budget=2)
    assert (told["Items"], told["LookedThrough"]) == ([], 3)
    assert told["Next"]
    assert walked(front, f"capability=Rare&order={order}") == rare
    assert walked(front, f"text=rare&order={order}") == rare
    assert len(walked(front, f"capability=Shell&order={order}&limit=2")) == 9


def test_several_states_stop_together(front: Front, few: None) -> None:
    failed = front.enqueue(4)
    for hash in failed[:2]:
        front.post(f"/Beacon/Work/{hash}/Cancel")
    front.register()
    for hash in failed[2:]:
        front.fail(hash)
    assert walked(front, "bucket=Errored&capability=Shell") == failed[::-1]
    assert walked(front, "bucket=Errored&capability=Shell&order=oldest") == failed


def test_a_line_is_short_whatever_the_item_brings(front: Front) -> None:
    (hash,) = front.enqueue(1, Settings={"Command": "x" * 100_000})
    (item,) = front.get("/api/items")["Items"]
    assert item["WorkItemHash"] == hash
    assert len(item["Preview"]) == 160
    assert "Settings" not in item


def test_lanes_count_every_state_and_know_what_is_paused(front: Front) -> None:
    front.enqueue(2)
    (gone,) = front.enqueue(1, Capability="File", Action="Copy")
    front.post(f"/Beacon/Work/{gone}/Cancel")
    front.post("/Beacon/Capability/File/Pause")
    told = front.get("/api/lanes", budget=2)
    assert [(lane["Capability"], lane["Paused"], lane["Statuses"]["Pending"], lane["Statuses"]["Canceled"]) for lane in told["Lanes"]] == [
        ("File", True, 0, 1),
        ("Shell", False, 2, 0),
    ]
    assert told["Buckets"]["Upcoming"] == 2


def test_many_at_once_tell_the_true_outcome_of_each(front: Front) -> None:
    (two,) = front.enqueue()
    ada = front.register()
    front.complete(two)
    front.post(f"/Beacon/{ada}/Pause")
    (one,) = front.enqueue()
    told = front.post("/Beacon/Work/Cancel/Batch", Hashes=[one, two, "wi-nobody", one], Reason="tidied up")
    assert told["Items"] == [{"WorkItemHash": one, "Status": "Canceled", "Canceled": True}]
    assert [(error["WorkItemHash"], error["Code"]) for error in told["Errors"]] == [(two, "already_final"), ("wi-nobody", "not_found")]
    again = front.post("/Beacon/Work/Requeue/Batch", Hashes=[one, "wi-nobody"])
    assert again["Items"] == [{"WorkItemHash": one, "Status": "Pending"}]
    assert [error["Code"] for error in again["Errors"]] == ["not_found"]
    assert front.get(f"/Beacon/Work/{one}")["CancelReason"] == ""
    moved = front.post("/Beacon/Work/Priority/Batch", Hashes=[one, two], Priority=9)
    assert moved["Items"] == [{"WorkItemHash": one, "Status": "Pending", "NewPriority": 9}]
    assert [error["Code"] for error in moved["Errors"]] == ["conflict"]
    front.post("/Beacon/Work/Cancel/Batch", 422, Hashes=[])
    front.post("/Beacon/Work/Priority/Batch", 422, Hashes=[one])


def test_a_priority_moves_an_item_to_where_it_would_stand_with_it(front: Front) -> None:
    first, second, third = front.enqueue(3)
    told = front.post(f"/Beacon/Work/{third}/Priority", Priority=2)
    assert (told["OldPriority"], told["NewPriority"]) == (0, 2)
    assert walked(front, "order=next") == [third, first, second]
    front.post(f"/Beacon/Work/{third}/Priority", Priority=-2)
    assert walked(front, "order=next") == [first, second, third]
    assert [event["EventType"] for event in front.get(f"/Beacon/Work/{third}/Events")["Events"]] == ["enqueued", "reordered", "reordered"]
    front.post("/Beacon/Work/wi-nobody/Priority", 404, Priority=1)
    front.register()
    front.post(f"/Beacon/Work/{first}/Priority", 409, Priority=1)
