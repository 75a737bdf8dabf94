"""A databeacon that is killed in the middle of a load leaves all of it or nothing, and the next one goes on from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from schema import envelope as keys
from tasks.crash import POINTS_MIRROR
from tests.tasks.bridge.conftest import Bridge

ROOT = Path(__file__).parents[3]


def killed(bridge: Bridge, place: str) -> None:
    settings = bridge.hub.kernel.settings
    env = {"UV_DATA": settings.data, "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "UV_HUB": "h", "UV_TEST_CRASH_AT": place}
    command = [sys.executable, "-m", "tests.tasks.bridge.child", bridge.reader]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | env, check=False, capture_output=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    bridge.hub.kernel.redis.delete(keys.lease(bridge.reader))  # which ends by itself


@pytest.mark.parametrize("place", POINTS_MIRROR)
def test_a_databeacon_that_dies_at_any_place_loses_nothing_and_doubles_nothing(bridge: Bridge, place: str) -> None:
    bridge.hub.enqueue(5)
    bridge.assign()
    killed(bridge, place)
    killed(bridge, f"{place}:2")
    bridge.hub.enqueue(5)
    bridge.mirror()
    bridge.agree()
    killed_in_steady_state(bridge, place)


def killed_in_steady_state(bridge: Bridge, place: str) -> None:
    ada = bridge.hub.register("ada", slots=20)
    held = [offer["WorkItemHash"] for offer in bridge.hub.inbox(ada)]
    bridge.hub.done(*[bridge.hub.complete(hash, ada, 1) for hash in held])
    killed(bridge, place)
    bridge.hub.enqueue(2)
    bridge.mirror()
    bridge.agree()
