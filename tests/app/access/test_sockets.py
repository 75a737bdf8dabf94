"""Sockets of a secured hub: who may join, who may watch, and for whom a connection speaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import websocket

from app import passwords
from app.permits import FRAMES
from schema.access.commands import AddUser, DropJoinSecret, RemoveUser, RotateJoinSecret, SetToken
from schema.access.rules import READ
from schema.base import Command
from schema.envelope import Envelope, encode
from schema.outcome import Done, decode
from tasks.kernel import clock, new_id
from tasks.outbox import append
from tests.app.access.conftest import CONSOLE, HASH, JOIN, OTHER_JOIN, PASSWORD
from tests.app.sockets.conftest import Web, start_web, status_of

__all__ = ["start_web"]


@pytest.fixture
def secured(start_web: Callable[..., Web]) -> Web:
    """A web process with a user of each kind and a secret for beacons. It looks after its callers more often than usual."""
    web = start_web(UV_PING_SECONDS="0.5")
    for role in ("reader", "operator"):
        do(web, AddUser(username=f"the-{role}", password_hash=HASH, role=role))
    do(web, RotateJoinSecret(secret_name="default", digest=passwords.digest(JOIN)))
    do(web, RotateJoinSecret(secret_name="other", digest=passwords.digest(OTHER_JOIN)))
    return web


def do(web: Web, command: Command) -> dict[str, object]:
    kernel = web.worker.kernel
    envelope = Envelope(new_id(), command, CONSOLE, clock(), waited=True)
    append(kernel, [(command.lane, encode(envelope))])
    web.worker.flush()
    answer = kernel.redis.blpop([f"uv:reply:{envelope.id}"], timeout=10)
    outcome = decode(answer[1])
    assert isinstance(outcome, Done), outcome
    return outcome.value


def cookie_of(web: Web, name: str, password: str = PASSWORD) -> str:
    _, answer = web.ask("POST", "/1.0/Authenticate", {"UserName": name, "Password": password})
    return f"SessionID={answer['SessionID']}"


def test_a_stranger_can_say_nothing(secured: Web) -> None:
    before = secured.worker.kernel.redis.xinfo_stream("uv:journal:access")["last-generated-id"]
    for action, wanted in FRAMES.items():
        client = secured.client()
        client.say(Action=action, Name="one", Capabilities=[], BeaconID="x", WorkItemHash="x", RunHash="r", RequestID=1)
        if action == "BeaconRegister":
            assert client.next("BeaconRejected")["Reason"]
            assert client.closed()[0] == 4403
        elif wanted == READ:
            topic = "queue" if action.startswith("Queue") else "execution"
            assert client.next(f"{topic}.auth_required")["LoggedIn"] is False
            assert client.closed()[0] == 1008
        else:
            assert client.next("Error")["Code"] == "unauthenticated"
    assert not secured.worker.kernel.redis.exists("uv:journal:hub/hub"), "nothing was appended"
    assert secured.worker.kernel.redis.xinfo_stream("uv:journal:access")["last-generated-id"] == before


def test_a_stranger_who_stays_silent_is_hung_up_on(secured: Web) -> None:
    assert secured.client().closed()[0] == 1008


@pytest.mark.parametrize("secret", ["", "uvj_wrong", 7, None])
def test_a_wrong_secret_is_rejected_as_clients_know_it(secret: object, secured: Web) -> None:
    client = secured.client().say(Action="BeaconRegister", Name="one", Capabilities=["Shell"], JoinSecret=secret)
    assert client.hear()["EventType"] == "BeaconRejected"
    assert client.closed()[0] == 4403


def test_a_beacon_joins_with_the_secret_and_reports_for_itself_alone(secured: Web) -> None:
    one = secured.client()
    first = one.register("one", JoinSecret=JOIN)
    header = {"Cookie": cookie_of(secured, "the-operator")}
    status, answer = secured.ask("POST", "/Beacon/Work/Enqueue", {"Capability": "Shell"}, **header)
    assert status == 200, answer
    hash = answer["WorkItemHash"]
    one.next("WorkItem")
    two = secured.client()
    two.register("two", JoinSecret=JOIN)
    two.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[], RequestID=1)
    assert two.next("Error")["Code"] == "superseded"
    two.say(Action="BeaconHeartbeat", BeaconID=first, RequestID=2)
    assert two.next("Error")["Code"] == "forbidden"
    two.say(Action="Deregister", BeaconID=first, RequestID=3)
    assert two.next("Error")["Code"] == "forbidden"
    two.say(Action="QueueSubscribe", RequestID=4)
    assert two.next("Error")["Code"] == "forbidden", "a beacon serves and sees nothing"
    assert status_of(secured.worker, hash) == "Running"
    one.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[], RequestID=5)
    assert one.next("Answer")["HttpStatus"] == 200
    assert status_of(secured.worker, hash) == "Complete"


def test_a_name_of_another_secret_cannot_be_taken(secured: Web) -> None:
    secured.client().register("one", JoinSecret=JOIN)
    thief = secured.client().say(Action="BeaconRegister", Name="one", Capabilities=["Shell"], JoinSecret=OTHER_JOIN)
    assert thief.hear()["EventType"] == "BeaconRejected"
    assert thief.closed()[0] == 4403


def test_a_reader_watches_and_does_nothing_else(secured: Web) -> None:
    client = secured.client(cookie=cookie_of(secured, "the-reader"))
    client.say(Action="QueueSubscribe").next("queue.summary")
    client.say(Action="WorkComplete", WorkItemHash="x", RequestID=1)
    assert client.next("Error")["Code"] == "forbidden"
    client.say(Action="BeaconRegister", Name="one", Capabilities=[])
    assert client.next("BeaconRejected")
    assert client.closed()[0] == 4403


def test_who_is_no_longer_known_is_cut_off(secured: Web) -> None:
    cookie = cookie_of(secured, "the-reader")
    watching = secured.client(cookie=cookie)
    watching.say(Action="QueueSubscribe").next("queue.summary")
    secured.ask("POST", "/1.0/Deauthenticate", {}, Cookie=cookie)
    assert watching.closed()[0] == 1008, "logged out"
    again = secured.client(cookie=cookie_of(secured, "the-reader"))
    again.say(Action="QueueSubscribe").next("queue.summary")
    do(secured, RemoveUser(user_id=1))
    assert again.closed()[0] == 1008, "removed"
    beacon = secured.client()
    beacon.register("one", JoinSecret=JOIN)
    do(secured, DropJoinSecret(secret_name="default"))
    assert beacon.closed()[0] == 4403, "its secret is good no more"


def test_a_beacons_socket_outlives_its_session(secured: Web) -> None:
    beacon = secured.client(cookie=cookie_of(secured, "one", JOIN))
    beacon.register("one")
    viewer = secured.client(cookie=cookie_of(secured, "the-reader"))
    viewer.say(Action="QueueSubscribe").next("queue.summary")
    secured.worker.kernel.redis.delete(*secured.worker.kernel.redis.keys("uv:session:*"))
    assert viewer.closed()[0] == 1008, "everybody was looked at"
    beacon.say(Action="BeaconHeartbeat", RequestID=1)
    assert beacon.next("Answer")["HttpStatus"] == 200


def test_a_program_brings_its_token_and_a_bad_one_is_refused_at_the_door(secured: Web) -> None:
    token = passwords.fresh(passwords.TOKEN_MARK)
    do(secured, SetToken(username="the-reader", token_name="t", digest=passwords.digest(token), role="reader"))
    client = secured.client(header=[f"Authorization: Bearer {token}"])
    client.say(Action="QueueSubscribe").next("queue.summary")
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        secured.client(header=["Authorization: Bearer uvt_wrong"])
    assert refused.value.status_code == 401
