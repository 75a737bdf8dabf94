"""What can be asked of the hub. All of one hub's commands share a lane: one writer sees everything in order, so dispatch needs no lock."""

from __future__ import annotations

from typing import Any

from schema.base import Command, command, lane_kind

HUB = lane_kind("hub", followed=True)


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
    believed: what it holds by our rows but not in its hand is lost and goes back to the queue at once. `owner` says with whose login
    or join secret it comes; None in open mode, where a name is anybody's. `operations` are what it brings for others to run.
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
    owner: str | None = None
    operations: list[dict[str, Any]] | None = None


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
    reason: str = "heartbeat_timeout"


@command("hub.suspect")
class SuspectBeacon(HubCommand):
    """A beacon is late. It gets no new work; what it holds counts as stalled until it is back or lost."""

    hub: str
    beacon_id: str
    silent_ms: int


@command("hub.enqueue")
class EnqueueWork(HubCommand):
    """A work item for whichever beacon can do it. Without a run, one is opened for it.

    None for a policy (time, tries, priority) means: the action's default. `awaited`: somebody waits for its end, and it is refused when
    no beacon offers the capability. `limits` is what the operator admits: most queued, from how many on the beacons are looked at, and
    which part of them must be alive; empty for what comes from inside, which is always admitted.
    """

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
    timeout_ms: int | None = None
    priority: int | None = None
    max_attempts: int | None = None
    retry_backoff_ms: int | None = None
    concurrency_key: str = ""
    concurrency_limit: int = 1
    unique_key: str = ""
    unique_window_ms: int = 86_400_000
    not_before: str | None = None
    delay_ms: int = 0
    submitter_tag: str = ""
    metadata: dict[str, Any]
    awaited: bool = False
    streamed: bool = False
    limits: tuple[int, int, float] | None = None

    def identity(self) -> dict[str, Any]:
        """A sealed secret is another text each time; its mark beside it tells whether it is the same."""
        said = self.payload()
        return said | {"settings": {name: self.settings[name] for name in self.settings if name != "Sealed"}} if "Sealed" in self.settings else said


@command("hub.enqueue_batch")
class EnqueueBatch(HubCommand):
    """Many work items at once: `items` are the fields of `hub.enqueue`, each with its place in the request under `index`.

    Rows that name no run share one that is opened for the batch.
    """

    hub: str
    items: list[dict[str, Any]]
    run_id: str = ""
    submitter_tag: str = ""
    limits: tuple[int, int, float] | None = None


@command("hub.cancel")
class CancelWork(HubCommand):
    """End an item before its time. Its holder, if it has one, is told and has `grace_ms` for a last word."""

    hub: str
    work_item_hash: str
    reason: str = ""
    grace_ms: int = 10_000


@command("hub.cancel_run")
class CancelRunWork(HubCommand):
    """End the items of a run before their time: all of them, or those of one node."""

    hub: str
    run_id: str
    node_hash: str = ""
    reason: str = ""


@command("hub.reorder")
class ReorderWork(HubCommand):
    """Move a waiting item past its neighbour: `direction` is `up` or `down`."""

    hub: str
    work_item_hash: str
    direction: str


@command("hub.requeue")
class RequeueWork(HubCommand):
    """Give an item that has failed, or was canceled, a new budget of tries. Its history stays; None leaves settings or priority as they are."""

    hub: str
    work_item_hash: str
    settings: dict[str, Any] | None = None
    priority: int | None = None


@command("hub.requeue_many")
class RequeueMany(HubCommand):
    """The same for many: those of `hashes`, or the oldest of a state, of one capability if it is named."""

    hub: str
    status: str = "Error"
    capability: str = ""
    hashes: list[str] | None = None
    limit: int = 100


@command("hub.start_run")
class StartRun(HubCommand):
    """Open a run. The same key is the same run for ever."""

    hub: str
    idempotency_key: str | None
    submitter_tag: str
    metadata: dict[str, Any]


@command("hub.end_run")
class EndRun(HubCommand):
    """Close a run: nothing is enqueued into it any more; what it has goes on."""

    hub: str
    run_id: str
    state: str = "Ended"


@command("hub.pause_beacon")
class PauseBeacon(HubCommand):
    """Keep a beacon from new work; what it holds it may end. The wish outlives its registration."""

    hub: str
    beacon_id: str
    paused: bool


@command("hub.pause_capability")
class PauseCapability(HubCommand):
    """Keep a capability's items in the queue, whichever beacon is free."""

    hub: str
    capability: str
    paused: bool
    reason: str = ""


@command("hub.set_defaults")
class SetActionDefaults(HubCommand):
    """What holds for items of an action, or with an empty action of a capability, whose sender does not say. None says nothing."""

    hub: str
    capability: str
    action: str
    timeout_ms: int | None
    max_attempts: int | None
    retry_backoff_ms: int | None
    default_priority: int | None
    expected_wait_p95_ms: int = 0
    heartbeat_expected_ms: int = 60_000
    min_samples_for_baseline: int = 20


@command("hub.drop_defaults")
class DropActionDefaults(HubCommand):
    """Forget the defaults of an action."""

    hub: str
    capability: str
    action: str


@command("hub.move_line")
class MoveLine(HubCommand):
    """Have those who stand in a line look for their place again: a page of them, and the next page by an order of its own.

    `=<key>` means all with that affinity key, wherever they stand. `after` is the rank and ticket of the last one that was asked.
    """

    hub: str
    line: str
    after: tuple[int, str] | None = None


@command("hub.dispatch")
class DispatchWork(HubCommand):
    """Give out what can be given out: what one dispatch has left for the next."""

    hub: str


class Report(HubCommand):
    """What a beacon says of an item. `beacon_id` and `attempt` are the fence, as far as the reporter gives them."""

    __slots__ = ()
    work_item_hash: str
    beacon_id: str | None
    attempt: int | None


@command("hub.progress", repeatable=True)
class ProgressWork(Report):
    """The work goes on. `binary` is base64 of what an item whose progress is streamed has put out by now; it is kept nowhere."""

    hub: str
    work_item_hash: str
    beacon_id: str | None
    attempt: int | None
    percent: float | None = None
    message: str = ""
    step: int | None = None
    total_steps: int | None = None
    log: list[str]
    binary: str = ""


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


@command("hub.attach", repeatable=True)
class AttachArtifact(Report):
    """The attempt has put out a file, whose content has been stored. The same name again replaces it."""

    hub: str
    work_item_hash: str
    beacon_id: str | None
    attempt: int | None
    filename: str
    digest: str
    size: int
    content_type: str


@command("hub.complete_batch", repeatable=True)
class CompleteBatch(HubCommand):
    """Many results at once: `items` are the fields of `hub.complete`, each with its place in the request under `index`."""

    hub: str
    items: list[dict[str, Any]]


@command("hub.progress_batch", repeatable=True)
class ProgressBatch(HubCommand):
    """Many signs of progress at once: `items` are the fields of `hub.progress`, each with its place in the request under `index`."""

    hub: str
    items: list[dict[str, Any]]


@command("hub.offer_again")
class OfferAgain(HubCommand):
    """Put running items into their holders' inboxes once more: [work item hash, attempt] that nobody has in hand."""

    hub: str
    items: list[tuple[str, int]]


@command("hub.retain")
class RetainWork(HubCommand):
    """Remove what ended so many days ago (0: never), a page of items per command; `status` and `after` say where the next page begins."""

    hub: str
    days: int
    canceled_days: int
    failed_days: int
    status: str = ""
    after: str = ""


@command("hub.tick")
class Tick(HubCommand):
    """The clock has passed something that is due: a delay, a pause between tries, the time of a running attempt, a grace."""

    hub: str
