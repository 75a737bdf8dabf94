"""What can be asked of the hub. All of one hub's commands share a lane: one writer sees everything in order, so dispatch needs no lock."""

from __future__ import annotations

from typing import Any

from schema.base import Command, command, lane_kind

HUB = lane_kind("hub")


class HubCommand(Command):
    """A command of one hub's lane."""

    __slots__ = ()
    hub: str

    @property
    def lane(self) -> str:
        return HUB.of(self.hub)


@command("hub.register")
class RegisterBeacon(HubCommand):
    """A beacon says who it is and what it can do.

    `in_hand` lists [work item hash, attempt] of what it is working on; None when it does not say. A beacon that says is
    believed: what it holds by our rows but not in its hand is lost and goes back to the queue at once.
    """

    hub: str
    beacon_name: str
    capabilities: list[str]
    action_schemas: list[dict[str, Any]]
    max_concurrent: int
    tags: dict[str, Any]
    contexts: dict[str, Any]
    bind_addresses: list[dict[str, Any]]
    shared_mounts: list[dict[str, Any]]
    host_id: str | None
    session_id: str | None
    presence_ms: int
    in_hand: list[tuple[str, int]] | None = None


@command("hub.deregister")
class DeregisterBeacon(HubCommand):
    """A beacon leaves; what it held goes back to the queue."""

    hub: str
    beacon_id: str


@command("hub.greet")
class GreetBeacon(HubCommand):
    """A beacon that counted as lost has made contact again."""

    hub: str
    beacon_id: str


@command("hub.lose")
class LoseBeacon(HubCommand):
    """A beacon has been silent for longer than it promised; what it held goes back to the queue. `silent_ms` says for how long."""

    hub: str
    beacon_id: str
    silent_ms: int


@command("hub.enqueue")
class EnqueueWork(HubCommand):
    """A work item for whichever beacon can do it. Without a run, one is opened for it."""

    hub: str
    capability: str
    action: str
    settings: dict[str, Any]
    run_id: str = ""
    run_hash: str = ""
    node_hash: str = ""
    operation_hash: str = ""
    affinity_key: str = ""
    require_affinity_match: bool = False
    timeout_ms: int = 300_000
    priority: int = 0
    max_attempts: int = 1
    retry_backoff_ms: int = 5_000
    submitter_tag: str = ""
    metadata: dict[str, Any]


class Report(HubCommand):
    """What a beacon says of an item. `beacon_id` and `attempt` are the fence, as far as the reporter gives them."""

    __slots__ = ()
    work_item_hash: str
    beacon_id: str | None
    attempt: int | None


@command("hub.progress", repeatable=True)
class ProgressWork(Report):
    """The work goes on."""

    hub: str
    work_item_hash: str
    beacon_id: str | None
    attempt: int | None
    percent: float | None = None
    message: str = ""
    step: int | None = None
    total_steps: int | None = None
    log: list[str]


@command("hub.complete", repeatable=True)
class CompleteWork(Report):
    """The work is done."""

    hub: str
    work_item_hash: str
    beacon_id: str | None
    attempt: int | None
    outputs: dict[str, Any]
    log: list[str]


@command("hub.fail", repeatable=True)
class FailWork(Report):
    """The work has failed."""

    hub: str
    work_item_hash: str
    beacon_id: str | None
    attempt: int | None
    error: str
    log: list[str]


@command("hub.offer_again")
class OfferAgain(HubCommand):
    """Put running items into their holders' inboxes once more: [work item hash, attempt] that nobody has in hand."""

    hub: str
    items: list[tuple[str, int]]


@command("hub.tick")
class Tick(HubCommand):
    """The clock has passed something that is due: a pause between tries, the time of a running attempt."""

    hub: str
