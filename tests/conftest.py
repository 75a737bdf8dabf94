"""What holds for every test."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import NoReturn

import pytest

pytest_plugins = ["pytester", "tests.services.fixtures"]

PURE = Path(__file__).parent / "schema"


def pytest_configure() -> None:
    # A run that is told to end must still end its services; by default SIGTERM would leave them behind.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated"))


@pytest.fixture(autouse=True)
def _nouns_have_no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of `schema` are about values; one that opens a connection is in the wrong folder."""
    if request.path.is_relative_to(PURE):

        def refused(*_: object) -> NoReturn:
            pytest.fail("a test under tests/schema tried to connect")

        monkeypatch.setattr(socket.socket, "connect", refused)
        monkeypatch.setattr(socket.socket, "connect_ex", refused)
