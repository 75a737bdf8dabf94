"""A hub that says what the table tells it to, on either road, and a provider for the beacon that listens."""

from __future__ import annotations

from threading import Event
from typing import Any

from beacon.providers import Action, Context, Outputs, ProviderError
from tests.beacon.hub import Hub
from tests.contracts.transcript import SOCKET_WORDS, Frame, Step


class Transcript:
    """Good work says how far it is and ends well, Bad work fails."""

    capability = "Transcript"
    actions = (Action("Good", "Goes well."), Action("Bad", "Fails."))

    def __init__(self) -> None:
        self.pass_ = Event()
        self.pass_.set()

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        if action == "Bad":
            raise ProviderError("it broke")
        context.progress(50, "half", log=["half way"])
        with context.broken_off_by(self.pass_.set):
            self.pass_.wait(30)
        context.check()
        return {"Result": "ok", "ExitCode": 0}


def speak(hub: Hub, road: str, step: Step) -> None:
    """The hub's next word. Over HTTP it speaks when it is asked: the scripted hub answers by itself, but for work."""
    if road == "http":
        if step.word == "WorkItem":
            hub.offer(step.example)
        return
    assert hub.sockets is not None
    told: Frame = {"WorkItem": step.example} if step.word == "WorkItem" else step.example
    hub.sockets.send({"EventType": SOCKET_WORDS.get(step.word, step.word), **told})


def hear(hub: Hub, road: str, step: Step) -> Frame:
    """The beacon's next word of that kind."""
    if road == "socket":
        assert hub.sockets is not None
        return hub.sockets.hear(SOCKET_WORDS.get(step.word, step.word))
    kind = "Leave" if step.word == "Deregister" else step.word
    hub.wait(lambda: hub.of(kind))
    seen = hub.of(kind)[-1]
    if step.word == "Progress":
        return {"ProgressData": seen.body}
    if step.word in ("Heartbeat", "Deregister"):
        return {**seen.body, "BeaconID": seen.path.split("/")[2]}
    return seen.body
