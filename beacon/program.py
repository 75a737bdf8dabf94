"""The beacon itself: takes items, has them worked on, and leaves in an orderly way."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from beacon.carrying import transport_of
from beacon.context import WorkContext
from beacon.events import LOG, note
from beacon.in_hand import InHand, Offer
from beacon.item import WorkItem
from beacon.membership import Membership, Stopped
from beacon.outcome import outcome_of
from beacon.pool import Pool
from beacon.progress import ProgressMail
from beacon.providers.contract import Providers
from beacon.registration import registration
from beacon.reporting import Reporter
from beacon.settings import Settings
from beacon.transport import Transport, TransportError, Wire

#: A poll that came back empty sooner than this did not wait: the hub knows no long poll.
PROMPT_SECONDS = 0.5
#: The pause between polls of such a hub; the original's beacons poll that often at their quickest.
PAUSE_SECONDS = 0.75
#: The pause after an item was offered that is already in hand or settled.
REPEAT_SECONDS = 0.1
#: An item in hand is announced within this time: the hub offers what it has not heard of again after 5 s.
ANNOUNCE_SECONDS = 1.0
#: What cancelled work and threads get to come to an end, once the grace is over.
LAST_SECONDS = 2.0


class Beacon:
    """One beacon. `start` returns at once and everything else happens in threads, `stop` returns when it is over.

    A hub that cannot be reached is no failure, neither at the start nor later: the beacon tries for ever.
    """

    def __init__(self, settings: Settings, providers: Providers, transport: Transport | None = None) -> None:
        self._settings = settings
        self._providers = providers
        self._transport = transport or transport_of(settings)
        self._stopping, self._closed, self._hurry, self._beat_now = Event(), Event(), Event(), Event()
        self._in_hand = InHand()
        self._membership = Membership(self._transport, self._introduction)
        self._mail = ProgressMail(self._transport, self._membership)
        self._reporter = Reporter(self._transport, self._membership, self._closed)
        self._transport.heed(self._cancel)
        self._pool = Pool(settings.max_concurrent, self._work)
        self._temporary = None if settings.work_folder else tempfile.TemporaryDirectory(prefix="beacon-", ignore_cleanup_errors=True)
        self._folder = settings.work_folder or Path(self._temporary.name if self._temporary else "")
        jobs = {"poll": self._poll, "heartbeat": self._heartbeat, "progress": self._mail.run}
        self._threads = [Thread(target=self._steadily, args=(job,), name=name, daemon=True) for name, job in jobs.items()]

    def _introduction(self) -> Wire:
        """With what is in hand, so that the hub takes back at once what an earlier life of this beacon held."""
        return registration(self._settings, self._providers) | {"WorkItems": self._in_hand.announce()}

    @property
    def registered(self) -> Event:
        """Set while the hub knows the beacon."""
        return self._membership.registered

    def start(self) -> None:
        note(logging.INFO, "started", name=self._settings.name, server=self._settings.server_url, capabilities=",".join(sorted(self._providers)))
        self._pool.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Takes nothing new, lets what is in hand end and be reported within the grace, cancels the rest unreported, and deregisters.

        Work that was cancelled so is not reported as failed: the hub gives it to another beacon when this one has left.
        """
        note(logging.INFO, "stopping", in_hand=len(self._in_hand.hashes()), grace=self._settings.grace_seconds)
        self._stopping.set()
        self._transport.interrupt()
        self._pool.give_back()
        if not self._in_hand.wait_empty(self._settings.grace_seconds, self._hurry.is_set):
            note(logging.WARNING, "items_abandoned", items=",".join(self._in_hand.hashes()))
        self._closed.set()
        self._beat_now.set()
        self._in_hand.cancel()
        self._in_hand.wait_empty(LAST_SECONDS)
        self._mail.close()
        self._leave()
        note(logging.INFO, "stopped")

    def hurry(self) -> None:
        """Ends the grace of a `stop` that is under way."""
        self._hurry.set()
        self._in_hand.wake()

    def _leave(self) -> None:
        try:
            if self._membership.beacon_id is not None:
                self._transport.deregister(self._membership.beacon_id)
        except TransportError as trouble:
            note(logging.WARNING, "not_deregistered", why=trouble)
        self._pool.stop(LAST_SECONDS)
        for thread in self._threads:
            thread.join(LAST_SECONDS / len(self._threads))
        self._transport.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _steadily(self, job: Callable[[], None]) -> None:
        """Runs a thread's job to its end. A mistake of ours costs a pause, never a beacon that looks alive and takes no work."""
        while not self._closed.is_set():
            try:
                return job()
            except Stopped:
                return None
            except Exception:  # noqa: BLE001 - logged with its traceback; a thread must outlive what nobody foresaw
                LOG.exception("thread_broke")
                self._closed.wait(PAUSE_SECONDS)
        return None

    # Taking items. Runs in the thread "poll".

    def _poll(self) -> None:
        while self._pool.claim(self._stopping):
            try:
                self._pool.submit(self._next())
            except BaseException:
                self._pool.give_back()
                raise

    def _next(self) -> WorkContext:
        while True:
            asked = time.monotonic()
            wire = self._membership.ask(lambda beacon_id: self._transport.poll(beacon_id, self._settings.poll_wait_ms), self._stopping, patient=True)
            # What arrives after the stop was ordered is left to the hub, which gives it to another beacon.
            if self._stopping.is_set():
                raise Stopped
            context = self._taken(wire) if wire else None
            if context is not None:
                return context
            prompt = time.monotonic() - asked < PROMPT_SECONDS
            if self._stopping.wait(REPEAT_SECONDS if wire else PAUSE_SECONDS if prompt else 0):
                raise Stopped

    def _taken(self, wire: Wire) -> WorkContext | None:
        item = WorkItem.read(wire)
        if item is None:
            note(logging.ERROR, "item_without_hash")
            return None
        context = WorkContext(item, self._folder, self._mail.put)
        offer = self._in_hand.offer(context)
        if offer is Offer.NEW:
            note(logging.DEBUG, "item_taken", item=item.hash, attempt=item.attempt, capability=item.capability, action=item.action)
            return context
        note(logging.INFO, "item_offered_again", item=item.hash, attempt=item.attempt, known=offer.value)
        # The hub has not noticed that it is in hand.
        self._beat_now.set()
        return None

    # Working. Runs in the threads of the pool.

    def _work(self, context: WorkContext) -> None:
        accepted = False
        try:
            outcome = outcome_of(context, self._providers)
            log = [*context.lines(), *self._mail.take_back(context)]
            if not self._closed.is_set():
                accepted = self._reporter.deliver(context.item, outcome, log)
                self._tell(context, outcome.kind, accepted)
        finally:
            context.clean_up()
            self._in_hand.release(context, accepted)

    @staticmethod
    def _tell(context: WorkContext, kind: str, accepted: bool) -> None:
        if accepted:
            took = round((time.monotonic() - context.started) * 1000)
            note(logging.INFO, "item_reported", item=context.item.hash, attempt=context.item.attempt, kind=kind, ms=took)

    # Showing that it lives. Runs in the thread "heartbeat", while stopping too, so that nobody else is given what is still in hand.

    def _heartbeat(self) -> None:
        due = time.monotonic() + self._settings.heartbeat_seconds
        while not self._closed.is_set():
            hurry = self._beat_now.wait(min(ANNOUNCE_SECONDS, self._settings.heartbeat_seconds))
            if not self._closed.is_set() and (hurry or time.monotonic() >= due or self._in_hand.unannounced(ANNOUNCE_SECONDS)):
                self._beat_now.clear()
                due = time.monotonic() + self._settings.heartbeat_seconds
                self._beat()

    def _beat(self) -> None:
        record = self._membership.ask(lambda beacon_id: self._transport.heartbeat(beacon_id, self._in_hand.announce()), self._closed, patient=True)
        meant = record.get("CancelWorkItems")
        if isinstance(meant, list):
            self._cancel([name for name in meant if isinstance(name, str)])

    def _cancel(self, hashes: list[str]) -> None:
        for work_item_hash in self._in_hand.cancel(set(hashes)):
            note(logging.INFO, "item_cancelled", item=work_item_hash)
