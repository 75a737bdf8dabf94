"""WebSocket where the hub has one, HTTP where it has not or the socket has just ended."""

from __future__ import annotations

import logging
from threading import Event, Lock, Thread

from beacon.backoff import Backoff
from beacon.events import note
from beacon.files import ResultFile
from beacon.http_transport import HttpTransport
from beacon.socket_transport import SOCKET_BYTES, Cancel, SocketTransport
from beacon.transport import ReportKind, TransportError, UnknownBeacon, Unreachable, Wire

#: The longest pause between attempts to get from HTTP to a WebSocket.
LONGEST_SECONDS = 60.0


class MixedTransport:
    """Implements `beacon.transport.Transport`. A beacon on HTTP goes on trying for a WebSocket, behind its own back."""

    def __init__(self, server_url: str) -> None:
        self._http = HttpTransport(server_url)
        self._socket = SocketTransport(server_url, self._http.cookies)
        self._registration: Wire = {}
        self._lock = Lock()
        self._trying = False
        self._closed = Event()

    def heed(self, cancel: Cancel) -> None:
        self._socket.heed(cancel)

    def register(self, registration: Wire) -> Wire:
        self._registration = registration
        try:
            return self._socket.register(registration)
        except Unreachable as trouble:
            self._socket.drop()
            note(logging.INFO, "socket_refused", why=trouble)
        record = self._http.register(registration)
        self._try_again()
        return record

    def poll(self, beacon_id: str, wait_ms: int) -> Wire | None:
        return self._socket.poll(beacon_id, wait_ms) if self._socket.open else self._http.poll(beacon_id, wait_ms)

    def report(self, kind: ReportKind, work_item_hash: str, body: Wire, key: str | None) -> None:
        """Over HTTP when the socket ends under way: the hub knows a report by its item and attempt, however often it comes."""
        if self._socket.open:
            try:
                return self._socket.report(kind, work_item_hash, body, key)
            except (Unreachable, UnknownBeacon):
                if kind == "Progress":
                    raise
        return self._http.report(kind, work_item_hash, body, key)

    def upload(self, work_item_hash: str, file: ResultFile, beacon_id: str, attempt: int) -> None:
        """Small files over the socket, as the original's client sends all; others over HTTP, which never holds one whole."""
        if self._socket.open and file.path.stat().st_size <= SOCKET_BYTES:
            try:
                return self._socket.upload(work_item_hash, file, beacon_id, attempt)
            except (Unreachable, UnknownBeacon) as trouble:
                note(logging.DEBUG, "upload_over_http", why=trouble)
        return self._http.upload(work_item_hash, file, beacon_id, attempt)

    def heartbeat(self, beacon_id: str, working_on: list[Wire]) -> Wire:
        if self._socket.open:
            try:
                return self._socket.heartbeat(beacon_id, working_on)
            except Unreachable:
                note(logging.DEBUG, "heartbeat_over_http")
        return self._http.heartbeat(beacon_id, working_on)

    def deregister(self, beacon_id: str) -> None:
        if self._socket.open:
            try:
                return self._socket.deregister(beacon_id)
            except TransportError as trouble:
                note(logging.DEBUG, "deregister_over_http", why=trouble)
        return self._http.deregister(beacon_id)

    def interrupt(self) -> None:
        self._socket.interrupt()
        self._http.interrupt()

    def close(self) -> None:
        self._closed.set()
        self._socket.close()
        self._http.close()

    def _try_again(self) -> None:
        with self._lock:
            if self._trying or self._closed.is_set():
                return
            self._trying = True
        Thread(target=self._upgrade, name="upgrade", daemon=True).start()

    def _upgrade(self) -> None:
        backoff = Backoff(base=2.0, cap=LONGEST_SECONDS)
        while not self._closed.wait(backoff.next()) and not self._socket.open:
            try:
                # Without WorkItems: what is in hand stays ours, whatever was taken since the last registration.
                self._socket.register({name: value for name, value in self._registration.items() if name != "WorkItems"})
                note(logging.INFO, "socket_opened")
            except TransportError:
                self._socket.drop()
        with self._lock:
            self._trying = False
