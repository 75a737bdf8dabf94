"""`ultravisor beacon`."""

from __future__ import annotations

import subprocess

import pytest

from tests.ultravisor.hubs import PROGRAM
from ultravisor.commands.beacon import arguments

URL = "http://127.0.0.1:54321"


@pytest.mark.parametrize(
    ("given", "environment", "passed_on"),
    [
        (("--provider", "Shell"), {}, ["--server", URL, "--provider", "Shell"]),
        (("--server", "http://a:1"), {}, ["--server", "http://a:1"]),
        (("--server=http://a:1",), {}, ["--server=http://a:1"]),
        (("--name", "b"), {"UV_BEACON_SERVER": "http://a:1"}, ["--name", "b"]),
    ],
)
def test_this_hub_is_served_unless_another_one_is_named(given: tuple[str, ...], environment: dict[str, str], passed_on: list[str]) -> None:
    assert arguments(given, environment, URL) == passed_on


def test_flags_and_exit_code_are_the_beacons() -> None:
    help_ = subprocess.run([PROGRAM, "beacon", "--help"], capture_output=True, text=True, check=False)
    assert (help_.returncode, "--max-concurrent" in help_.stdout) == (0, True)
    refused = subprocess.run([PROGRAM, "beacon", "--provider", "Nobody"], capture_output=True, text=True, check=False)
    assert refused.returncode == 3
