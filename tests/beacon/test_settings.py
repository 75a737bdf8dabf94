from __future__ import annotations

import os
import socket
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from beacon.providers import Action
from beacon.providers.loading import load
from beacon.registration import registration
from beacon.settings import OPTIONS, Settings, SettingsError, read_settings

SHELL = ["--provider", "Shell"]


class Greeting:
    """A provider of one's own."""

    capability = "Greeting"
    actions = (Action("Say", "Greets."),)

    def execute(self, action: str, settings: dict[str, Any], context: object) -> dict[str, Any]:
        return {"Result": f"{action} {settings}"}


class NoCapability:
    actions = ()

    def execute(self) -> None: ...


class NoActions(NoCapability):
    capability = "Some"
    actions = ("Say",)  # type: ignore[assignment]  # wrong on purpose


class Broken:
    def __init__(self) -> None:
        raise RuntimeError("no licence")


def test_defaults() -> None:
    settings = read_settings(SHELL, {})
    assert settings == Settings(providers=("Shell",))
    assert (settings.server_url, settings.name, settings.max_concurrent) == ("http://127.0.0.1:54321", socket.gethostname(), 4)
    assert (settings.poll_wait_ms, settings.heartbeat_seconds, settings.grace_seconds) == (25_000, 3, 10)
    assert (settings.allowed_folders, settings.work_folder) == ((), None)


def test_they_never_change() -> None:
    with pytest.raises(FrozenInstanceError):
        read_settings(SHELL, {}).name = "other"  # type: ignore[misc]  # what must not work


def test_the_command_line(tmp_path: Path) -> None:
    arguments = (
        "--server https://hub:8/base/ --name Bo --provider Shell --provider FileSystem --max-concurrent 16 --tag a=1 --tag b=x=y --grace-seconds 2.5"
    )
    settings = read_settings([*arguments.split(), "--allow", str(tmp_path), "--allow", str(tmp_path / ".."), "--log-level", "debug"], {})
    assert (settings.server_url, settings.name, settings.providers, settings.max_concurrent) == (
        "https://hub:8/base",
        "Bo",
        ("Shell", "FileSystem"),
        16,
    )
    assert (settings.tags, settings.grace_seconds, settings.log_level) == ({"a": "1", "b": "x=y"}, 2.5, "DEBUG")
    assert settings.allowed_folders == (tmp_path.resolve(), tmp_path.parent.resolve())


def test_the_environment_and_the_command_line_over_it(tmp_path: Path) -> None:
    environment = {
        "UV_BEACON_SERVER": "http://hub:1",
        "UV_BEACON_PROVIDERS": "Shell,Synthetic",
        "UV_BEACON_ALLOW": os.pathsep.join([str(tmp_path), "/"]),
        "UV_BEACON_TAGS": "a=1,b=2",
        "UV_BEACON_NAME": "",
    }
    settings = read_settings(["--server", "http://other:2"], environment)
    assert (settings.server_url, settings.providers, settings.tags) == ("http://other:2", ("Shell", "Synthetic"), {"a": "1", "b": "2"})
    assert settings.allowed_folders == (tmp_path.resolve(), Path("/"))
    assert settings.name == socket.gethostname()


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([], {}, "--provider is needed"),
        ([*SHELL, "--server", "hub:1"], {}, "--server: 'hub:1': must be like http://host:port"),
        ([*SHELL, "--server", "http://u:p@hub"], {}, "must not hold a user"),
        ([*SHELL, "--server", "http://hub:99999"], {}, "--server"),
        ([*SHELL, "--max-concurrent", "0"], {}, "--max-concurrent: '0': must be between 1 and 1000"),
        ([*SHELL, "--max-concurrent", "many"], {}, "--max-concurrent"),
        ([*SHELL, "--poll-wait-ms", "30001"], {}, "between 0 and 30000"),
        ([*SHELL, "--heartbeat-seconds", "nan"], {}, "--heartbeat-seconds"),
        ([*SHELL, "--allow", "/no/such/folder"], {}, "is not a folder"),
        ([*SHELL, "--work-folder", "/no/such/folder"], {}, "is not a folder"),
        ([*SHELL, "--tag", "lonely"], {}, "must be like name=value"),
        ([*SHELL, "--name", " "], {}, "must not be empty"),
        ([*SHELL, "--log-level", "loud"], {}, "must be DEBUG"),
        ([*SHELL, "--nmae", "x"], {}, "unrecognized arguments: --nmae"),
        (SHELL, {"UV_BEACON_MAX_CONCURRENT": "x"}, "UV_BEACON_MAX_CONCURRENT: 'x'"),
    ],
)
def test_bad_settings_say_what_is_wrong_and_where(arguments: list[str], environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(arguments, environment)
    assert said in str(caught.value)


def test_every_setting_can_be_given() -> None:
    assert {option.field for option in OPTIONS} == {field.name for field in fields(Settings)}


def test_every_option_is_in_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "beacon" / "README.md").read_text()
    assert [option.flag for option in OPTIONS if f"`{option.flag}`" not in manual or f"`{option.environment}`" not in manual] == []


def test_built_in_providers_and_one_of_ones_own() -> None:
    settings = Settings(providers=("Shell", "FileSystem", "Synthetic", f"{__name__}:Greeting"), synthetic_capability="Video")
    assert set(load(settings)) == {"Shell", "FileSystem", "Video", "Greeting"}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("Shel",), "No provider Shel. There are Shell, FileSystem, Synthetic"),
        (("no.such:Thing",), "ModuleNotFoundError"),
        ((f"{__name__}:Nothing",), "AttributeError"),
        ((f"{__name__}:Broken",), "RuntimeError: no licence"),
        ((f"{__name__}:NoCapability",), "needs a capability"),
        ((f"{__name__}:NoActions",), "needs actions"),
        (("Shell", "beacon.providers.shell:Shell"), "Two providers have the capability Shell"),
    ],
)
def test_providers_that_cannot_be_had(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Settings(providers=names))
    assert said in str(caught.value)


def test_registration_says_what_the_beacon_can_do(tmp_path: Path) -> None:
    settings = Settings(name="Bo", host_id="h", providers=("Shell", "FileSystem"), allowed_folders=(tmp_path,), max_concurrent=2, tags={"a": "1"})
    body = registration(settings, load(settings))
    assert {name: body[name] for name in ("Name", "Capabilities", "MaxConcurrent", "Tags", "HostID")} == {
        "Name": "Bo",
        "Capabilities": ["FileSystem", "Shell"],
        "MaxConcurrent": 2,
        "Tags": {"a": "1"},
        "HostID": "h",
    }
    assert [mount["Root"] for mount in body["SharedMounts"]] == [str(tmp_path)]
    assert len(body["SharedMounts"][0]["MountID"]) == 16
    execute = next(schema for schema in body["ActionSchemas"] if schema["Action"] == "Execute")
    assert (execute["Capability"], [(s["Name"], s["DataType"], s["Required"]) for s in execute["SettingsSchema"]]) == (
        "Shell",
        [("Command", "String", True), ("Parameters", "String", False)],
    )
