"""What has hurt hubs before: input that breaks a process, reads that change something, what grows without end. On each engine."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import orjson
import pytest
import redis
import sqlalchemy as sa

from schema.ledger.tables import dead_letter
from tests.app.sockets.conftest import Web
from tests.services.fixtures import ENGINES
from tests.services.processes import PATIENCE


@pytest.fixture(params=ENGINES)
def environment(request: pytest.FixtureRequest, environment: dict[str, str]) -> dict[str, str]:
    """Texts and depths that one engine takes break another."""
    return environment | {"DATABASE_URL": request.getfixturevalue(f"{request.param}_url")}


def raw(web: Web, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
    """A request as it is written, without a client's good manners."""
    line = HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE)
    line.putrequest(method, target, skip_accept_encoding=True)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
        line.putheader(name.replace("_", "-"), value)
    line.endheaders(body)
    response = line.getresponse()
    answer = orjson.loads(response.read())
    line.close()
    return response.status, answer


def buried(web: Web) -> list[Any]:
    with web.worker.kernel.engine.connect() as connection:
        return list(connection.execute(sa.select(dead_letter.c.command, dead_letter.c.error)))


def unharmed(web: Web) -> None:
    """The same process serves, the journal moves, and nothing lies among the dead letters."""
    web.enqueue(Capability="Unharmed")
    assert buried(web) == []
    assert not {"request_failed", "frame_failed", "socket_failed"} & set(web.process.output.split())


ADDRESSES = [
    [{"IP": "127.0.0.1", "Port": 9, "Protocol": "https"}],
    [{"IP": "::1", "Port": "x", "Protocol": None}],
    [{"IP": {"a": []}, "Port": -1}],
    [{}],
    [{"IP": "169.254.169.254", "Port": 80, "Protocol": "gopher"}] * 50,
]


def test_weakness_14_addresses_of_any_shape_hurt_nobody(web: Web) -> None:
    client = web.client()
    for number, addresses in enumerate(ADDRESSES):
        status, answer = web.ask("POST", "/Beacon/Register", {"Name": f"http-{number}", "Capabilities": ["A"], "BindAddresses": addresses})
        assert status in (200, 422), answer
        client.say(Action="BeaconRegister", Name=f"socket-{number}", Capabilities=["A"], BindAddresses=addresses, RequestID=number)
        client.until(lambda frame, number=number: frame.get("RequestID") == number)
        assert web.ask("GET", "/Beacon/Reachability")[0] == 200
    unharmed(web)


UNSTORABLE = ["%00", "a%00b", "%ED%A0%80", "%FF%FE", "%F0%9F%92%A9", "x" * 2_000, "..%2F..%2Fetc%2Fpasswd", "'%3B--"]


@pytest.mark.parametrize("text", UNSTORABLE)
def test_weakness_14_names_that_no_engine_can_hold_are_answered(web: Web, text: str) -> None:
    asked = [
        ("GET", f"/Beacon/{text}"),
        ("DELETE", f"/Beacon/{text}"),
        ("POST", f"/Beacon/{text}/Heartbeat"),
        ("GET", f"/Beacon/Work/{text}"),
        ("GET", f"/Beacon/Work/{text}/Events"),
        ("POST", f"/Beacon/Work/{text}/Complete"),
        ("POST", f"/Beacon/Work/{text}/Cancel"),
        ("POST", f"/Beacon/Run/{text}/End"),
        ("POST", f"/Beacon/Capability/{text}/Resume"),
        ("GET", f"/Beacon/Actions?Capability={text}"),
        ("GET", f"/Timeline?capability={text}&runHash={text}"),
        ("GET", f"/Queue/Events?since={text}"),
        ("GET", f"/api/receipts/{text}"),
    ]
    answers = {f"{method} {target}": raw(web, method, target) for method, target in asked}
    assert {about: told for about, told in answers.items() if told[0] >= 500} == {}
    unharmed(web)


def test_weakness_14_what_is_nested_too_deep_is_refused_and_what_is_not_is_kept_on_every_engine(web: Web) -> None:
    most = 28 if web.worker.kernel.engine.dialect.name == "mysql" else 90

    def nested(levels: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for _ in range(levels - 1):
            value = {"a": value}
        return value

    client = web.client()
    client.register("Deep", ("Deep",))
    hash = web.enqueue(Capability="Deep", Settings=nested(most - 1))  # the body is a level of its own
    assert web.ask("POST", "/Beacon/Work/Enqueue", {"Capability": "Deep", "Settings": nested(most)})[0] == 400
    client.next("WorkItem")
    client.say(Action="WorkComplete", WorkItemHash=hash, Outputs=nested(most), Log=[])
    assert client.next("Error")["Code"] == "bad_json"
    client.say(Action="WorkComplete", WorkItemHash=hash, Outputs=nested(most - 1), Log=[], RequestID=2)
    assert client.until(lambda frame: frame.get("RequestID") == 2)["EventType"] == "Answer"
    assert web.item(hash)["Result"]["Outputs"] == nested(most - 1)
    unharmed(web)


def test_weakness_16_no_address_stops_anything_by_being_looked_at(web: Web) -> None:
    for path in ("/stop", "/Schedule/Start", "/Schedule/Stop"):
        assert web.ask("GET", path)[0] in (404, 405)
    assert web.ask("GET", "/1.0/Authenticate/ada/secret")[0] == 410
    assert "secret" not in web.process.output
    unharmed(web)


def test_weakness_16_and_19_sessions_end_by_themselves(web: Web, transport: redis.Redis) -> None:
    web.ask("POST", "/1.0/Authenticate", {"UserName": "ada"})
    (session,) = transport.keys("uv:session:*")
    assert 0 < transport.ttl(session) <= 86_400
