"""The seam between a beacon and its hub: what is said, whatever carries it.

`beacon.http_transport` is the one over HTTP, `beacon.socket_transport` the one over WebSocket, where `poll` takes from what the hub
has pushed; `beacon.mixed_transport` is both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from beacon.files import ResultFile

Wire = dict[str, Any]
ReportKind = Literal["Progress", "Complete", "Error"]


class TransportError(Exception):
    """The hub could not be asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class Unreachable(TransportError):
    """The hub does not answer, or says that it cannot now. Asking again is always safe: everything we say may be repeated."""

    def __init__(self, message: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        #: Seconds that the hub asked us to wait.
        self.retry_after = retry_after


class UnknownBeacon(TransportError):
    """The hub does not know this beacon; it must register again."""


class Superseded(TransportError):
    """The item is somebody else's by now, or has ended without us."""


class Settled(TransportError):
    """The hub has this very report already."""


class Refused(TransportError):
    """The hub understood and will not have it; repeating would not help."""


class Transport(Protocol):
    """Carries a beacon's side of the protocol. Called from many threads at a time. Every method raises TransportError."""

    def heed(self, cancel: Callable[[list[str]], None]) -> None:
        """Have `cancel` called with hashes of items that the hub cancels unasked. Not every road brings such words."""

    def register(self, registration: Wire) -> Wire:
        """Makes the beacon known, again if need be; the record that comes back holds its BeaconID."""

    def poll(self, beacon_id: str, wait_ms: int) -> Wire | None:
        """The next item for the beacon, or None when there was none within the wait."""

    def report(self, kind: ReportKind, work_item_hash: str, body: Wire, key: str | None) -> None:
        """Tells what became of an item; the same key makes repeating it harmless."""

    def upload(self, work_item_hash: str, file: ResultFile, beacon_id: str, attempt: int) -> None:
        """Brings a file of an attempt; whoever repeats it brings nothing new. Raises OSError, too, when the file cannot be read."""

    def heartbeat(self, beacon_id: str, working_on: list[Wire]) -> Wire:
        """Says that the beacon lives and what it holds; the answer may name items to cancel."""

    def deregister(self, beacon_id: str) -> None:
        """The beacon leaves. Leaving twice is no mistake."""

    def interrupt(self) -> None:
        """A poll that waits ends at once and later ones fail; the rest goes on, so that running work can still be reported."""

    def close(self) -> None:
        """Nothing is sent any more."""
