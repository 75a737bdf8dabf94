"""What operators order from the queue's pages, and what their plots are drawn from."""

from __future__ import annotations

from schema.base import command
from schema.hub.commands import HubCommand


@command("hub.prioritize")
class PrioritizeWork(HubCommand):
    """Give a waiting item another priority; each step of it counts as a minute of waiting, as if the item had always had it."""

    hub: str
    work_item_hash: str
    priority: int


@command("hub.cancel_batch")
class CancelBatch(HubCommand):
    """Cancel many items; each is judged by itself."""

    hub: str
    hashes: list[str]
    reason: str = ""
    grace_ms: int = 10_000


@command("hub.prioritize_batch")
class PrioritizeBatch(HubCommand):
    """Give many waiting items one priority; each is judged by itself."""

    hub: str
    hashes: list[str]
    priority: int


@command("hub.requeue_batch")
class RequeueBatch(HubCommand):
    """Give many ended items another chance; each is judged by itself."""

    hub: str
    hashes: list[str]


@command("hub.sample")
class SampleQueue(HubCommand):
    """Write down how the queue stands, once for each ten seconds."""

    hub: str
