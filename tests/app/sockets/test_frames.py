"""Frames of every kind on a beacon's own connection, about a real item: each is answered or ignored, and the next good frame works."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schema.ledger.tables import dead_letter
from tests.app.sockets.client import Client
from tests.app.sockets.conftest import Web
from tests.app.sockets.test_sockets import ACTIONS, JSON, NAMES, _dumps

DEEP = b'{"Action": "WorkComplete", "Outputs": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}"
#: What has broken hubs before: no object, no name, no text, no end, too deep, too much, half a character, numbers beyond all bounds.
CLASSICS = [
    (1, b"null"),
    (1, b'{"Action": "BeaconRegister", "Name": 7, "Capabilities": ["Shell"]}'),
    (1, b'{"Action": "BeaconRegister", "Name": null, "Capabilities": null}'),
    (1, b'{"Action": ["BeaconRegister"]}'),
    (1, b'{"Action": "WorkComplete", "WorkItemHash": null}'),
    (1, b'{"Action": "WorkProgress", "WorkItemHash": "HASH", "ProgressData": {"Percent": 1e999}}'),
    (1, b'{"Action": "WorkProgress", "WorkItemHash": "HASH", "ProgressData": {"Step": 123456789012345678901234567890}}'),
    (1, b'{"Action": "WorkProgress", "WorkItemHash": "HASH", "ProgressData": {"Step": "123456789012345678901234567890"}}'),
    (1, b'{"Action": "WorkComplete", "WorkItemHash": "HASH", "AttemptNumber": -1, "Outputs": {"\\u0000": 1}}'),
    (1, b'{"Action": "WorkError", "WorkItemHash": "HASH", "ErrorMessage": "\\ud800"}'),
    (1, b'{"Action": "WorkError", "WorkItemHash": "HASH", "ErrorMessage": "' + b"\xff\xc0\xaf" + b'"}'),
    (1, b'{"Action": "WorkResultUpload", "WorkItemHash": "HASH", "OutputFilename": "../../etc/passwd", "OutputSize": 3}'),
    (2, b"abc"),
    (2, b""),
    (1, DEEP),
    (1, b"[" * 100_000),
    (1, b'{"Action": "QueueSubscribe", "LastEventGUID": "\'; DROP TABLE hub_work_item; --"}'),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request: pytest.FixtureRequest, environment: dict[str, str]) -> dict[str, str]:
    """What one engine swallows may stick in the throat of another."""
    chosen = {} if request.param == "sqlite" else {"DATABASE_URL": request.getfixturevalue("postgresql_url")}
    return environment | chosen


def about(hash: str) -> st.SearchStrategy[tuple[int, bytes]]:
    """Frames that are nearly right: known actions, known fields, the item's own name."""
    values = JSON | st.just(hash)
    named = st.tuples(st.sampled_from(ACTIONS), st.dictionaries(st.sampled_from(NAMES), values), st.booleans())
    return st.one_of(
        st.sampled_from(CLASSICS).map(lambda frame: (frame[0], frame[1].replace(b"HASH", hash.encode()))),
        st.binary(max_size=100).map(lambda data: (1, data)),
        st.binary(max_size=100).map(lambda data: (2, data)),
        named.map(lambda said: (1, _dumps({**said[1], **({"WorkItemHash": hash} if said[2] else {}), "Action": said[0]}))),
    )


def served(client: Client) -> None:
    """The connection answers. Whether it still speaks for a beacon is its own doing: it may have said goodbye."""
    marker = str(uuid4())
    client.say(Action="BeaconHeartbeat", RequestID=marker)
    client.until(lambda frame: frame.get("RequestID") == marker)


def test_after_any_frames_the_next_good_one_works_on_the_same_connection(web: Web) -> None:
    client = web.client()
    client.register("Fuzzed", ("Fuzz",), MaxConcurrent=10_000)
    hash = web.enqueue(Capability="Fuzz", TimeoutMs=0)
    client.next("WorkItem")
    for opcode, data in CLASSICS:
        client.raw(data.replace(b"HASH", hash.encode()), opcode)
        served(client)

    @settings(max_examples=80, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(about(hash), max_size=5))
    def shower(frames: list[tuple[int, bytes]]) -> None:
        for opcode, data in frames:
            client.raw(data, opcode)
        served(client)

    shower()
    client.register("Fuzzed", ("Fuzz",), MaxConcurrent=10_000)
    assert works(web, client), "after all of it the beacon does work"
    assert not {"socket_failed", "frame_failed", "post_failed"} & set(web.process.output.split())
    with web.worker.kernel.engine.connect() as connection:
        buried: Any = connection.execute(sa.select(dead_letter.c.command, dead_letter.c.error)).all()
    assert buried == []


def works(web: Web, client: Client) -> bool:
    hash = web.enqueue(Capability="Fuzz", Action="Last")
    client.until(lambda frame: frame.get("WorkItem", {}).get("WorkItemHash") == hash)
    client.say(Action="WorkComplete", WorkItemHash=hash, Outputs={"ok": True}, Log=[], RequestID="last")
    client.until(lambda frame: frame.get("RequestID") == "last")
    return bool(web.item(hash)["Status"] == "Complete")
