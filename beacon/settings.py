"""What a beacon is told at its start: one frozen record, checked once, from the command line and the environment."""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit


class SettingsError(Exception):
    """The beacon cannot start with these settings."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The defaults suit a beacon beside its hub; only the providers have to be named, since each opens the machine to the hub's users."""

    server_url: str = "http://127.0.0.1:54321"
    name: str = field(default_factory=socket.gethostname)
    #: auto: WebSocket where the hub has it and this machine has the library, HTTP otherwise.
    transport: str = "auto"
    host_id: str = field(default_factory=socket.gethostname)
    providers: tuple[str, ...] = ()
    #: Real paths of existing folders. Empty: FileSystem refuses everything.
    allowed_folders: tuple[Path, ...] = ()
    max_concurrent: int = 4
    tags: Mapping[str, str] = field(default_factory=dict)
    #: None: a temporary folder that is removed at the end.
    work_folder: Path | None = None
    poll_wait_ms: int = 25_000
    heartbeat_seconds: float = 3.0
    grace_seconds: float = 10.0
    synthetic_capability: str = "Synthetic"
    synthetic_actions: tuple[str, ...] = ("Process",)
    synthetic_duration_ms: float = 2_000
    log_level: str = "INFO"
    #: What a secured hub lets a beacon join with.
    join_secret: str = field(default="", repr=False)


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be like http://host:port")
    if parts.username is not None or parts.port == 0:
        raise ValueError("must not hold a user and needs a usable port")
    return text.rstrip("/")


def _within(low: float, high: float, kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def number(text: str) -> Any:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError(f"must be between {low:g} and {high:g}")
        return value

    return number


def _folder(text: str) -> Path:
    folder = Path(text).expanduser().resolve()
    if not folder.is_dir():
        raise ValueError("is not a folder")
    return folder


def _tag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError("must be like name=value")
    return name, value


def _level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return text.upper()


def _transport(text: str) -> str:
    if text not in ("auto", "websocket", "http"):
        raise ValueError("must be auto, websocket or http")
    return text


@dataclass(frozen=True, slots=True)
class Option:
    """One setting from outside; given on the command line, it hides the environment's. `many` may be repeated, or parted by this mark."""

    field: str
    flag: str
    environment: str
    read: Callable[[str], Any]
    help: str
    many: str = ""


OPTIONS = (
    Option("server_url", "--server", "UV_BEACON_SERVER", _url, "address of the hub"),
    Option("name", "--name", "UV_BEACON_NAME", _text, "what the hub calls this beacon; unique, as a name registered twice is one beacon"),
    Option("transport", "--transport", "UV_BEACON_TRANSPORT", _transport, "auto, websocket or http; auto falls back to HTTP"),
    Option("host_id", "--host-id", "UV_BEACON_HOST_ID", _text, "what tells the hub which beacons share a machine"),
    Option("providers", "--provider", "UV_BEACON_PROVIDERS", _text, "Shell, FileSystem, Synthetic, or package.module:ClassName", ","),
    Option("allowed_folders", "--allow", "UV_BEACON_ALLOW", _folder, "a folder that FileSystem may touch, with all below it", os.pathsep),
    Option("max_concurrent", "--max-concurrent", "UV_BEACON_MAX_CONCURRENT", _within(1, 1_000, int), "items at a time"),
    Option("tags", "--tag", "UV_BEACON_TAGS", _tag, "name=value, shown by the hub", ","),
    Option("work_folder", "--work-folder", "UV_BEACON_WORK_FOLDER", _folder, "where items get their folders; a temporary one when not given"),
    Option("poll_wait_ms", "--poll-wait-ms", "UV_BEACON_POLL_WAIT_MS", _within(0, 30_000, int), "how long the hub may hold a poll"),
    Option("heartbeat_seconds", "--heartbeat-seconds", "UV_BEACON_HEARTBEAT_SECONDS", _within(0.1, 300, float), "time between heartbeats"),
    Option("grace_seconds", "--grace-seconds", "UV_BEACON_GRACE_SECONDS", _within(0, 3_600, float), "what running items get when the beacon stops"),
    Option("synthetic_capability", "--synthetic-capability", "UV_BEACON_SYNTHETIC_CAPABILITY", _text, "capability of Synthetic"),
    Option("synthetic_actions", "--synthetic-action", "UV_BEACON_SYNTHETIC_ACTIONS", _text, "an action of Synthetic", ","),
    Option("synthetic_duration_ms", "--synthetic-duration-ms", "UV_BEACON_SYNTHETIC_DURATION_MS", _within(0, 86_400_000, float), "usual duration"),
    Option("join_secret", "--join-secret", "UV_BEACON_JOIN_SECRET", _text, "lets the beacon join a secured hub; the environment hides it better"),
    Option("log_level", "--log-level", "UV_BEACON_LOG_LEVEL", _level, "DEBUG shows each item that is taken"),
)


class _Parser(argparse.ArgumentParser):
    """Raises, so that bad settings have one way out and one exit code."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(message)


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings that were given, defaults for the rest. Raises: SettingsError, naming the flag or variable and what is wrong with it."""
    parser = _Parser(prog="python -m beacon", description="Does work for an Ultravisor hub.", allow_abbrev=False)
    for option in OPTIONS:
        text = f"{option.help} (environment: {option.environment})"
        parser.add_argument(option.flag, dest=option.field, action="append" if option.many else "store", help=text)
    given = vars(parser.parse_args(arguments))
    values: dict[str, Any] = {}
    for option in OPTIONS:
        if given[option.field] is not None:
            values[option.field] = _value(option, given[option.field], option.flag)
        elif environment.get(option.environment):
            text = environment[option.environment]
            values[option.field] = _value(option, text.split(option.many) if option.many else text, option.environment)
    if not values.get("providers"):
        raise SettingsError("--provider is needed: Shell, FileSystem, Synthetic or package.module:ClassName, once for each.")
    return Settings(**values)


def _value(option: Option, given: Any, source: str) -> Any:
    try:
        if not option.many:
            return option.read(given)
        values = [option.read(text) for text in given if text]
        return dict(values) if option.field == "tags" else tuple(values)
    except ValueError as trouble:
        raise SettingsError(f"{source}: {given!r}: {trouble}") from None
