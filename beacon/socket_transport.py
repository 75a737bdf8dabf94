"""The protocol over one WebSocket: items are pushed, reports are frames.

Our hub says that it acknowledges, and then each frame of ours is answered. The original's hub answers registrations only; there a ping
behind the frame tells that it has arrived, since what is sent on one line arrives in its order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue
from threading import Event, Lock
from typing import Any
from urllib.parse import urlsplit

from beacon.files import ResultFile
from beacon.http_transport import encoded
from beacon.socket_line import SocketLine
from beacon.transport import Refused, ReportKind, Settled, Superseded, TransportError, UnknownBeacon, Unreachable, Wire

#: Silence after which a frame counts as unanswered.
ANSWER_SECONDS = 30.0
REGISTER_SECONDS = 15.0
LEAVE_SECONDS = 3.0

#: The largest file that goes over a socket, where one frame must hold it.
SOCKET_BYTES = 8 * 1024 * 1024

ACTIONS: dict[str, str] = {"Progress": "WorkProgress", "Complete": "WorkComplete", "Error": "WorkError"}
#: The hub's words for what is not worth repeating.
_REFUSED = frozenset({"bad_json", "bad_request", "not_found", "invalid", "too_large", "method_not_allowed"})

Cancel = Callable[[list[str]], None]


class _Question:
    """A frame that waits for its answer."""

    def __init__(self) -> None:
        self.answered = Event()
        self.answer: Wire | None = None

    def settle(self, answer: Wire | None) -> None:
        self.answer = answer
        self.answered.set()


class SocketTransport:
    """Implements `beacon.transport.Transport`. Opens with the first registration, and again with each after an end."""

    def __init__(self, server_url: str, cookies: Callable[[], str] = str) -> None:
        self._server = urlsplit(server_url)
        self._cookies = cookies
        self._lock = Lock()
        self._line: SocketLine | None = None
        self._acknowledges = False
        self._ids = count(1)
        self._questions: dict[str, _Question] = {}
        self._items: SimpleQueue[Wire | None] = SimpleQueue()
        self._cancel: Cancel = lambda _: None
        self._interrupted = False

    @property
    def open(self) -> bool:
        return self._line is not None and self._line.open

    def heed(self, cancel: Cancel) -> None:
        self._cancel = cancel

    def register(self, registration: Wire) -> Wire:
        if not self.open:
            self._open()
        record = self._ask({"Action": "BeaconRegister", **registration}, REGISTER_SECONDS, "register")
        self._acknowledges = record.get("Acknowledges") is True
        return record

    def poll(self, beacon_id: str, wait_ms: int) -> Wire | None:
        """An ended line ends a poll: the hub must be told again who we are, which is what UnknownBeacon asks for."""
        deadline = time.monotonic() + wait_ms / 1000
        while True:
            if self._interrupted:
                raise Unreachable("interrupted")
            if not self.open:
                raise UnknownBeacon("The WebSocket has ended.")
            try:
                item = self._items.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                return None
            if item is not None:
                return item

    def report(self, kind: ReportKind, work_item_hash: str, body: Wire, key: str | None) -> None:
        frame: Wire = {"Action": ACTIONS[kind], "WorkItemHash": work_item_hash}
        if kind == "Progress":
            told = {name: value for name, value in body.items() if name not in ("BeaconID", "AttemptNumber")}
            frame |= {"ProgressData": told, "BeaconID": body.get("BeaconID"), "AttemptNumber": body.get("AttemptNumber")}
        else:
            frame |= body
        self._tell(frame)

    def upload(self, work_item_hash: str, file: ResultFile, beacon_id: str, attempt: int) -> None:
        """One announcement and one binary frame, so a file of this road is held whole. A hub that keeps none says so, and why not for ever."""
        data = file.path.read_bytes()
        if len(data) > SOCKET_BYTES:
            raise Refused(f"{file.name} is larger than {SOCKET_BYTES} bytes, which is what this beacon sends over a WebSocket")
        about = {"WorkItemHash": work_item_hash, "OutputFilename": file.name, "OutputSize": len(data), "ContentType": file.content_type}
        frame = {"Action": "WorkResultUpload", **about, "BeaconID": beacon_id, "AttemptNumber": attempt}

        def send(id: str) -> None:
            text = encoded({**frame, "RequestID": id})
            assert text is not None
            self._open_line().send_file(text, data)

        told = self._answer(f"upload {work_item_hash}"[:128], send, ANSWER_SECONDS)
        if told.get("Success") is not True:
            why = str(told.get("Reason") or "the hub keeps no file of this item")
            raise _failure(str(told["Code"]), why) if told.get("Code") else Refused(why)

    def heartbeat(self, beacon_id: str, working_on: list[Wire]) -> Wire:
        return self._tell({"Action": "BeaconHeartbeat", "BeaconID": beacon_id, "WorkItems": working_on})

    def deregister(self, beacon_id: str) -> None:
        self._ask({"Action": "Deregister", "BeaconID": beacon_id}, LEAVE_SECONDS, "leave")

    def interrupt(self) -> None:
        self._interrupted = True
        self._items.put(None)

    def close(self) -> None:
        if self._line is not None:
            self._line.say_goodbye()

    def drop(self) -> None:
        """Hang up, and be ready to open again."""
        if self._line is not None:
            self._line.close()

    # The line.

    def _open(self) -> None:
        with self._lock:
            if self.open:
                return
            self._acknowledges = False
            items: SimpleQueue[Wire | None] = SimpleQueue()
            # What an earlier line has pushed and nobody has taken is the hub's again: it hears with the registration what we hold.
            self._items = items
            self._line = SocketLine(self._server, self._cookies(), lambda frame: self._heard(frame, items), lambda: self._ended(items))

    def _heard(self, frame: Wire, items: SimpleQueue[Wire | None]) -> None:
        kind, item = frame.get("EventType"), frame.get("WorkItem")
        if kind == "WorkItem" and isinstance(item, dict):
            items.put(item)
        elif kind == "CancelWorkItem" and isinstance(frame.get("WorkItemHash"), str):
            self._cancel([frame["WorkItemHash"]])
        else:
            self._settle(_id_of(frame), frame)

    def _ended(self, items: SimpleQueue[Wire | None]) -> None:
        with self._lock:
            waiting, self._questions = list(self._questions.values()), {}
        for question in waiting:
            question.settle(None)
        items.put(None)

    def _settle(self, id: str, answer: Wire) -> None:
        with self._lock:
            question = self._questions.pop(id, None)
        if question is not None:
            question.settle(answer)

    # Asking.

    def _tell(self, frame: Wire) -> Wire:
        """Say it, and hear what the hub says to it if it is one that answers."""
        if self._acknowledges:
            return self._ask(frame, ANSWER_SECONDS, str(next(self._ids)))
        self._send(frame)
        return self._answer(f"ping-{next(self._ids)}", lambda id: self._open_line().ping(id), ANSWER_SECONDS)

    def _ask(self, frame: Wire, seconds: float, id: str) -> Wire:
        return self._answer(id, lambda id: self._send({**frame, "RequestID": id}), seconds)

    def _answer(self, id: str, send: Callable[[str], None], seconds: float) -> Wire:
        question = _Question()
        with self._lock:
            self._questions[id] = question
        try:
            send(id)
            if not question.answered.wait(seconds):
                raise Unreachable(f"no answer within {seconds:g} s")
        finally:
            with self._lock:
                self._questions.pop(id, None)
        if question.answer is None:
            raise Unreachable("the WebSocket ended before the answer")
        return judged(question.answer)

    def _send(self, frame: Wire) -> None:
        text = encoded(frame)
        assert text is not None
        self._open_line().send(text)

    def _open_line(self) -> SocketLine:
        if self._line is None:
            raise Unreachable("the WebSocket is not open")
        return self._line


def _id_of(frame: Wire) -> str:
    """To which question a frame is the answer. The original's hub repeats no RequestID, and so answers one question of a kind at a time."""
    if "RequestID" in frame:
        return str(frame["RequestID"])
    if frame.get("Action") == "WorkResultUploadAck":
        return f"upload {frame.get('WorkItemHash')}"[:128]
    kinds = {"BeaconRegistered": "register", "BeaconRejected": "register", "Deregistered": "leave"}
    return kinds.get(str(frame.get("EventType")), "")


def judged(answer: Wire) -> Wire:
    """The answer when it is good. Raises: the TransportError that says what to do about any other."""
    if answer.get("EventType") == "BeaconRejected":
        raise Refused(f"rejected: {answer.get('Reason')}")
    if answer.get("EventType") == "Error":
        raise _failure(str(answer.get("Code") or ""), str(answer.get("Error") or "")[:300])
    return answer


def _failure(code: str, said: str) -> TransportError:
    made: dict[str, Any] = {"unauthenticated": UnknownBeacon, "superseded": Superseded, "already_final": Superseded, "conflict": Superseded}
    made["key_reused"] = Settled
    kind: type[TransportError] = made.get(code, Refused if code in _REFUSED else Unreachable)
    return kind(f"{code}: {said}")
