"""Every setting, once: name, environment variable, default, help. Read once into one frozen record.

`ultravisor settings` prints this table and docs/reference/settings.md is checked against it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from hashlib import sha256
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Self, cast

from schema.errors import BadSettings
from schema.hub.rules.probing import allowed
from schema.patterns import BadPattern, pattern_of


def setting(env: str, default: Any, help: str, *, secret: bool = False) -> Any:
    """A field of `Settings` that is read from the environment variable `env`."""
    return field(default=default, metadata={"env": env, "help": help, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can choose. Empty text means: use the default, which may follow from other settings."""

    data: str = setting("UV_DATA", "./var", "Folder for the database, the bundled Redis, keys and files.")
    address: str = setting("UV_ADDRESS", "127.0.0.1:54321", "Host and port of the web process.")
    database_url: str = setting("DATABASE_URL", "", "SQLAlchemy URL of the control database; empty: SQLite in the data folder.", secret=True)
    database_read_url: str = setting("DATABASE_READ_URL", "", "The same database with a role that may only SELECT, for the web process.", secret=True)
    redis_url: str = setting("REDIS_URL", "", "Redis for the journal; empty: `ultravisor up` starts the bundled one in the data folder.", secret=True)
    broker_url: str = setting("BROKER_URL", "", "Celery's broker, Redis or RabbitMQ; empty: the same Redis.", secret=True)
    secret_key: str = setting("UV_SECRET_KEY", "", "Key for secrets at rest; empty: a key file in the data folder, made at first start.", secret=True)
    hub: str = setting("UV_HUB", "", "Id of this hub, in every row it writes; empty: from the host name.")
    hosts: str = setting("UV_HOSTS", "", "Further Host header names to answer to, separated by commas.")
    secured: bool = setting("UV_SECURED", False, "Everybody must log in, and beacons must join with a secret.")
    allow_open: bool = setting("UV_ALLOW_OPEN", False, "Serve beyond loopback without authentication. Anybody who reaches the port can run commands.")
    probe_allow: str = setting("UV_PROBE_ALLOW", "", "Networks and hosts that the hub may probe for reachability, separated by commas; empty: none.")
    max_body: int = setting("UV_MAX_BODY", 1_048_576, "Largest request body in bytes, but for the results of work.")
    max_result: int = setting("UV_MAX_RESULT", 33_554_432, "Largest body in bytes with which a beacon may complete or fail an item.")
    max_upload: int = setting("UV_MAX_UPLOAD", 268_435_456, "Largest file in bytes that a beacon may upload.")
    max_frame: int = setting("UV_MAX_FRAME", 33_554_432, "Largest WebSocket message in bytes.")
    ping_seconds: float = setting("UV_PING_SECONDS", 20.0, "Seconds between pings of each WebSocket; 2.2 times as long in silence closes it.")
    session_seconds: int = setting("UV_SESSION_SECONDS", 86_400, "Seconds that a login is good for.")
    max_queued: int = setting("UV_MAX_QUEUED", 500_000, "Waiting items from which on new ones are refused (429); 0: no limit.")
    soft_queued: int = setting(
        "UV_SOFT_QUEUED", 300_000, "Waiting items from which on new ones are refused while too few beacons are alive; 0: never."
    )
    min_alive: float = setting("UV_MIN_ALIVE", 0.5, "Part of the beacons that must be alive once UV_SOFT_QUEUED items wait.")
    client_rate: float = setting("UV_CLIENT_RATE", 0.0, "Items that one address may enqueue per second in the long run; 0: no limit.")
    client_burst: int = setting("UV_CLIENT_BURST", 500, "Items that one address may enqueue at once before UV_CLIENT_RATE holds it back.")
    wait: float = setting("UV_WAIT", 5.0, "Seconds that a request waits for the committed outcome unless it says Prefer: wait=n.")
    web_workers: int = setting("UV_WEB_WORKERS", 2, "Web processes.")
    web_threads: int = setting("UV_WEB_THREADS", 64, "Threads of each web process; each long poll and each open page holds one.")
    worker_processes: int = setting("UV_WORKER_PROCESSES", 2, "Celery worker processes on this host.")
    gateway_processes: int = setting("UV_GATEWAY_PROCESSES", 2, "Celery worker processes on this host for foreign databases.")
    gateway_files: str = setting(
        "UV_GATEWAY_FILES", "", "Folders, separated by commas, in which SQLite databases of connections may lie; empty: databases in the data folder."
    )
    gateway_hosts: str = setting(
        "UV_GATEWAY_HOSTS", "", "Hosts that connections may lead to, separated by commas, * for any run of characters; empty: all."
    )
    compat_status_200: bool = setting("UV_COMPAT_STATUS_200", False, "Answer refusals below /beacon with status 200, as older clients expect it.")
    proxy_paths: str = setting(
        "UV_PROXY_PATHS", r"^/?1\.0/[a-z0-9][a-z0-9-]{0,63}/", "Paths of records that work items may ask for, as patterns separated by spaces."
    )
    proxy_writes: bool = setting("UV_PROXY_WRITES", True, "Work items may change records.")
    proxy_widen: bool = setting("UV_PROXY_WIDEN", True, "Work items may widen UV_PROXY_PATHS for those who enqueue them.")
    databeacon: str = setting("UV_DATABEACON", "", "Name of the databeacon whose connections this worker serves; empty: those that name none.")
    flower_address: str = setting("UV_FLOWER_ADDRESS", "127.0.0.1:5555", "Host and port of Flower; empty: do not start it.")
    executor_processes: int = setting("UV_EXECUTOR_PROCESSES", 2, "Processes on this host that carry out tasks of operations: files, HTTP, commands.")
    run_folders: str = setting(
        "UV_RUN_FOLDERS", "", "Folders that operations may read and write besides their runs' own, separated by colons; empty: none."
    )
    run_private: str = setting(
        "UV_RUN_PRIVATE_ADDRESSES",
        "",
        "Private addresses that operations may call by HTTP, as IP networks separated by commas, e.g. 10.0.0.0/8; empty: none.",
    )
    output_store: int = setting("UV_OUTPUT_STORE_THRESHOLD_BYTES", 1_048_576, "Bytes from which on an output of a node lies in the content store.")
    run_local_shell: bool = setting("UV_RUN_LOCAL_SHELL", False, "Operations run commands on this host, and not on a beacon.")
    batch: int = setting("UV_BATCH", 1_000, "Commands that one transaction takes at most.")
    unit_ms: int = setting("UV_UNIT_MS", 50, "Milliseconds after which a transaction takes no further command.")
    retention_days: int = setting("UV_RETENTION_DAYS", 30, "Days for which completed items are kept, with all that belongs to them; 0: for ever.")
    retention_canceled_days: int = setting("UV_RETENTION_CANCELED_DAYS", 7, "The same for canceled items.")
    retention_failed_days: int = setting("UV_RETENTION_FAILED_DAYS", 0, "The same for failed items, which wait for somebody to queue them again.")
    log_level: str = setting("UV_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")
    log_format: str = setting("UV_LOG_FORMAT", "text", "text for people, json for collectors.")

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """The settings of this environment. Raises BadSettings for a value that cannot be used and for a name that is nearly one of ours."""
        known = {f.metadata["env"]: f for f in fields(cls)}
        for name in environment:
            # Only near misses: other programs have names with this prefix too (a package manager, for one).
            near = get_close_matches(name, known, n=1, cutoff=0.8) if name.startswith("UV_") and name not in known else []
            if near and not name.startswith("UV_TEST_"):
                raise BadSettings(f"{name} is no setting of ours; did you mean {near[0]}?")
        values = {f.name: _coerced(env, environment[env], f.default) for env, f in known.items() if environment.get(env, "") != ""}
        return cls(**values)._filled()._checked()

    def _filled(self) -> Self:
        data = Path(self.data).expanduser().resolve()
        filled: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        filled["data"] = str(data)
        filled["database_url"] = self.database_url or f"sqlite:///{data / 'ultravisor.db'}"
        filled["database_read_url"] = self.database_read_url or filled["database_url"]
        filled["redis_url"] = self.redis_url or f"unix://{redis_socket(data)}"
        filled["broker_url"] = self.broker_url or as_broker_url(filled["redis_url"])
        filled["hub"] = self.hub or re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:12].lower() or "hub"
        return type(self)(**filled)

    def _checked(self) -> Self:
        host, port = split_address(self.address)
        if not 0 < port < 65_536:
            raise BadSettings(f"UV_ADDRESS={self.address}: the port must be 1 to 65535")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.hub):
            raise BadSettings("UV_HUB must be 1 to 64 letters, digits, dots, dashes or underscores")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{0,64}", self.databeacon):
            raise BadSettings("UV_DATABEACON must be up to 64 letters, digits, dots, dashes or underscores")
        for pattern in self.proxy_paths.split():
            try:
                pattern_of(pattern)
            except BadPattern as error:
                raise BadSettings(f"UV_PROXY_PATHS: {pattern}: {error}") from error
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise BadSettings(f"{env_of(name)} must be at least {least}")
        if not 0 <= self.wait <= 300:  # also refuses what is no number at all
            raise BadSettings("UV_WAIT must be 0 to 300 seconds")
        if not 0.1 <= self.ping_seconds <= 300:
            raise BadSettings("UV_PING_SECONDS must be 0.1 to 300 seconds")
        for network in filter(None, self.run_private.split(",")):
            try:
                ip_network(network.strip(), strict=False)
            except ValueError as error:
                raise BadSettings(f"UV_RUN_PRIVATE_ADDRESSES: {network.strip()} is no IP network") from error
        try:
            allowed(self.probe_allow)
        except ValueError as error:
            raise BadSettings(f"UV_PROBE_ALLOW: {error}") from error
        if not 0 <= self.min_alive <= 1:
            raise BadSettings("UV_MIN_ALIVE must be 0 to 1")
        if not 0 <= self.client_rate <= 1_000_000:
            raise BadSettings("UV_CLIENT_RATE must be 0 to 1000000 items per second")
        if self.batch > 10_000:  # a batch is looked up with one statement, whose parameters the engines limit to 32 766 and 65 535
            raise BadSettings("UV_BATCH must be at most 10000")
        if self.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise BadSettings("UV_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
        if self.log_format not in ("text", "json"):
            raise BadSettings("UV_LOG_FORMAT must be text or json")
        if not self.allow_open and not is_loopback(split_address(self.flower_address)[0]):
            raise BadSettings(f"UV_FLOWER_ADDRESS={self.flower_address}: Flower controls the workers; see UV_ADDRESS for what that means")
        if not self.secured and not self.allow_open and not is_loopback(host):
            raise BadSettings(
                f"UV_ADDRESS={self.address} is reachable from other machines, and there is no authentication: anybody could run commands. "
                "Set UV_SECURED=1, listen on 127.0.0.1, or set UV_ALLOW_OPEN=1 when the network itself is trusted."
            )
        return self

    @property
    def one_writer(self) -> bool:
        """Whether the control database admits one writer at a time (SQLite)."""
        return self.database_url.startswith("sqlite")

    @property
    def most_nested(self) -> int:
        """How deep objects and lists of a request may lie in each other.

        MariaDB's own check of a JSON column fails at 32 levels, MySQL's at 100; we wrap what is sent into a few of our own. Our encoder ends at 254.
        """
        return 28 if self.database_url.startswith(("mysql", "mariadb")) else 90

    @property
    def host_names(self) -> frozenset[str]:
        """Names under which requests may address us, in lower case and without port."""
        host, _ = split_address(self.address)
        extra = {name.strip().lower() for name in self.hosts.split(",") if name.strip()}
        return frozenset({"localhost", "127.0.0.1", "::1", host.lower()} | extra) - {"0.0.0.0", "::"}  # noqa: S104 - names, not a bind


#: Settings that cannot be smaller.
LEAST = {
    "max_body": 1_024,
    "max_result": 1_024,
    "max_upload": 1_024,
    "max_frame": 1_024,
    "session_seconds": 1,
    "web_workers": 1,
    "web_threads": 4,
    "worker_processes": 1,
    "gateway_processes": 1,
    "executor_processes": 1,
    "batch": 1,
    "unit_ms": 1,
    "retention_days": 0,
    "retention_canceled_days": 0,
    "retention_failed_days": 0,
    "max_queued": 0,
    "soft_queued": 0,
    "client_burst": 1,
}


def env_of(name: str) -> str:
    """The environment variable of a setting."""
    return next(cast(str, f.metadata["env"]) for f in fields(Settings) if f.name == name)


def redis_socket(data: Path) -> Path:
    """Where the bundled Redis listens: in the data folder, or in the temporary folder where that path is too long for a Unix socket."""
    inside = data / "redis" / "redis.sock"
    if len(str(inside)) < 100:
        return inside
    return Path(gettempdir()) / f"ultravisor-{sha256(str(data).encode()).hexdigest()[:16]}.sock"


def split_address(address: str) -> tuple[str, int]:
    """`host:port` or `[v6]:port` in its parts. Raises BadSettings."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise BadSettings(f"{address!r} is no address; write host:port, e.g. 127.0.0.1:54321")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def as_broker_url(redis_url: str) -> str:
    """The Redis URL in the broker library's spelling, which calls a Unix socket `redis+socket`."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def _coerced(env: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("0", "false", "no", "off"):
            return False
        raise BadSettings(f"{env}={text!r}: write 1 or 0")
    try:
        return type(default)(text)
    except ValueError as error:
        raise BadSettings(f"{env}={text!r}: a number is expected") from error
