"""What the edge does for beacons without a command."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from app.hub.contact import line_is_cut


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_waiting_client_is_still_there(pair: tuple[socket.socket, socket.socket]) -> None:
    assert not line_is_cut(pair[0])


def test_a_client_that_already_sends_its_next_request_is_there_and_loses_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.sendall(b"GET")
    assert not line_is_cut(ours)
    assert ours.recv(3) == b"GET"


def test_a_client_that_was_killed_is_gone(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()
    assert line_is_cut(ours)


def test_where_the_server_shows_no_socket_nobody_is_taken_for_gone() -> None:
    assert not line_is_cut(None)
