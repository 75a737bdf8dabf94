"""The worker's main process joins the hub as a databeacon, and leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread

from schema.bridge.rules.names import EMBEDDED
from schema.settings import Settings
from tasks import unit
from tasks.kernel import Kernel, Ring, broker
from tasks.mesh.presence import Presence


@dataclass(slots=True)
class _Mine:
    """The presence of this process, once it has begun."""

    presence: Presence | None = None


_mine = _Mine()


def begin(settings: Settings, ring: Ring) -> None:
    """Be there from now on. No connection to the database outlives its look: a child that is forked meanwhile inherits none."""
    kernel = Kernel(settings, unit.connect(settings.database_url, keep=False), broker(settings.redis_url), {}, ring)
    _mine.presence = Presence(kernel, settings.databeacon or EMBEDDED).start()


def leave() -> None:
    """Go, while the pool still ends what it has. In a thread: the signal must not hold the worker up."""
    if _mine.presence is not None:
        Thread(target=_mine.presence.end, name="mesh-end", daemon=False).start()
