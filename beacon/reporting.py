"""Getting a final report to the hub, whatever it takes."""

from __future__ import annotations

import logging
from threading import Event
from typing import Any

from beacon.events import note
from beacon.files import ResultFile
from beacon.item import WorkItem
from beacon.membership import Membership, Stopped
from beacon.outcome import Outcome, failed
from beacon.transport import Refused, Settled, Superseded, Transport


class Reporter:
    """Repeats a report until the hub has answered it, also over restarts of the hub; only the beacon's own end ends that.

    Each report carries the same key at each try (`<hash>-<attempt>-<kind>`) and is fenced by BeaconID and attempt.
    """

    def __init__(self, transport: Transport, membership: Membership, closed: Event) -> None:
        self._transport = transport
        self._membership = membership
        self._closed = closed

    def deliver(self, item: WorkItem, outcome: Outcome, log: list[str]) -> bool:
        """Whether the hub accepted the report. A result that it refuses (too large, not JSON) is reported as an error, so that the item ends."""
        try:
            for file in outcome.files:
                self._upload(item, file)
            self._send(item, outcome, log)
        except Superseded as trouble:
            note(logging.WARNING, "report_dropped", item=item.hash, attempt=item.attempt, kind=outcome.kind, why=trouble)
            return False
        except Settled:
            note(logging.INFO, "report_known", item=item.hash, attempt=item.attempt, kind=outcome.kind)
        except Refused as trouble:
            note(logging.ERROR, "report_refused", item=item.hash, attempt=item.attempt, kind=outcome.kind, why=trouble)
            return outcome.kind == "Complete" and self.deliver(item, failed(f"The hub refused the result: {trouble}"), [])
        except Stopped:
            note(logging.WARNING, "report_abandoned", item=item.hash, attempt=item.attempt, kind=outcome.kind)
            return False
        return True

    def _upload(self, item: WorkItem, file: ResultFile) -> None:
        """Raises: Refused for a file that is not there, which to the hub is a result that it cannot have."""

        def upload(beacon_id: str) -> None:
            try:
                self._transport.upload(item.hash, file, beacon_id, item.attempt)
            except OSError as trouble:
                raise Refused(f"{file.name} cannot be read: {trouble.strerror or type(trouble).__name__}") from None

        self._membership.ask(upload, self._closed, patient=False)

    def _send(self, item: WorkItem, outcome: Outcome, log: list[str]) -> None:
        key = f"{item.hash}-{item.attempt}-{outcome.kind}"

        def report(beacon_id: str) -> None:
            body: dict[str, Any] = {**outcome.body, "Log": log, "BeaconID": beacon_id, "AttemptNumber": item.attempt}
            self._transport.report(outcome.kind, item.hash, body, key)

        self._membership.ask(report, self._closed, patient=False)
