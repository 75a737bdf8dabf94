"""The original's client, as the specification describes it, on either road."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import orjson

from tests.app.sockets.client import Client
from tests.contracts.transcript import ABOUT_ITEM, SOCKET_WORDS, Frame
from tests.services.processes import PATIENCE, eventually


class OverHttp:
    """Chunked bodies without a length; a DELETE that says JSON and sends nothing; the first cookie is kept."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cookie = ""
        self.beacon_id = ""
        self.work_item_hash = ""
        self._answer: Frame = {}
        self.ask("POST", "/1.0/Authenticate", {"UserName": "transcript", "Password": ""}, sized=True)

    def ask(self, method: str, path: str, body: Frame | None = None, sized: bool = False, headers: Frame | None = None) -> tuple[int, Any]:
        line = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        headers = {"Content-Type": "application/json"} | ({"Cookie": self.cookie} if self.cookie else {}) | (headers or {})
        if body is None:
            line.request(method, path, headers=headers)
        elif sized:
            line.request(method, path, orjson.dumps(body), headers)
        else:
            line.request(method, path, chunks(orjson.dumps(body)), {**headers, "Transfer-Encoding": "chunked"}, encode_chunked=True)
        response = line.getresponse()
        if cookie := response.getheader("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        answer = orjson.loads(response.read())
        line.close()
        return response.status, answer

    def close(self) -> None:
        """Each request has its own connection, which is closed by now."""

    def say(self, word: str, example: Frame) -> None:
        status, self._answer = self.ask(*self._request(word, example))
        assert status == 200, (word, self._answer)

    def _request(self, word: str, example: Frame) -> tuple[str, str, Frame | None]:
        if word in ABOUT_ITEM:
            body = example["ProgressData"] if word == "Progress" else example
            return "POST", f"/Beacon/Work/{self.work_item_hash}/{word}", body
        if word == "Deregister":
            return "DELETE", f"/Beacon/{self.beacon_id}", None
        return ("POST", "/Beacon/Register", example) if word == "Register" else ("POST", f"/Beacon/{self.beacon_id}/Heartbeat", {})

    def hear(self, word: str) -> Frame:
        if word == "Registered":
            self.beacon_id = self._answer["BeaconID"]
        if word != "WorkItem":
            return self._answer
        found: Frame = eventually(lambda: self.ask("POST", "/Beacon/Work/Poll", {"BeaconID": self.beacon_id})[1]["WorkItem"])
        self.work_item_hash = found["WorkItemHash"]
        return found


class OverSocket:
    """Logs in over HTTP, and brings the session as a cookie."""

    def __init__(self, port: int) -> None:
        http = OverHttp(port)
        self.wire = Client(port, "/", cookie=http.cookie)
        self.beacon_id = ""
        self.work_item_hash = ""

    def close(self) -> None:
        self.wire.cut()

    def say(self, word: str, example: Frame) -> None:
        frame = {"Action": SOCKET_WORDS.get(word, word), **example}
        if word in ABOUT_ITEM:
            frame["WorkItemHash"] = self.work_item_hash
        if word in ("Heartbeat", "Deregister"):
            frame["BeaconID"] = self.beacon_id
        self.wire.say(**frame)

    def hear(self, word: str) -> Frame:
        frame = self.wire.next(SOCKET_WORDS.get(word, word))
        if word == "Registered":
            self.beacon_id = frame["BeaconID"]
        if word != "WorkItem":
            return frame
        item: Frame = frame["WorkItem"]
        self.work_item_hash = item["WorkItemHash"]
        return item


def chunks(data: bytes) -> Iterator[bytes]:
    """In two pieces, as a stream would be."""
    middle = len(data) // 2
    yield data[:middle]
    yield data[middle:]
