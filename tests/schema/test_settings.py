"""What an operator can choose."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.errors import BadSettings
from schema.settings import Settings, as_broker_url, env_of, is_loopback, redis_socket, split_address

FIELDS = {f.name: f for f in dataclasses.fields(Settings)}

#: One value, other than the default, for each setting.
CHOSEN = {
    "data": ("/srv/uv", "/srv/uv"),
    "address": ("127.0.0.1:80", "127.0.0.1:80"),
    "database_url": ("sqlite:////srv/a.db", "sqlite:////srv/a.db"),
    "database_read_url": ("sqlite:////srv/b.db", "sqlite:////srv/b.db"),
    "redis_url": ("redis://h/1", "redis://h/1"),
    "broker_url": ("amqp://h", "amqp://h"),
    "secret_key": ("hush", "hush"),
    "hub": ("hub-7", "hub-7"),
    "hosts": ("a.example,b", "a.example,b"),
    "secured": ("1", True),
    "allow_open": ("yes", True),
    "probe_allow": ("10.0.0.0/8,db.example", "10.0.0.0/8,db.example"),
    "max_queued": ("9", 9),
    "soft_queued": ("8", 8),
    "min_alive": ("0.7", 0.7),
    "client_rate": ("20", 20.0),
    "client_burst": ("7", 7),
    "max_body": ("2048", 2048),
    "max_result": ("4096", 4096),
    "max_upload": ("8192", 8192),
    "max_frame": ("4096", 4096),
    "ping_seconds": ("1.5", 1.5),
    "session_seconds": ("60", 60),
    "wait": ("2.5", 2.5),
    "web_workers": ("3", 3),
    "web_threads": ("8", 8),
    "worker_processes": ("4", 4),
    "gateway_processes": ("3", 3),
    "gateway_files": ("/srv/db", "/srv/db"),
    "gateway_hosts": ("*.example", "*.example"),
    "proxy_paths": ("^/1[.]0/a/", "^/1[.]0/a/"),
    "proxy_writes": ("0", False),
    "proxy_widen": ("0", False),
    "output_store": ("5", 5),
    "compat_status_200": ("1", True),
    "databeacon": ("east", "east"),
    "flower_address": ("127.0.0.1:5", "127.0.0.1:5"),
    "executor_processes": ("3", 3),
    "run_folders": ("/srv/in:/srv/out", "/srv/in:/srv/out"),
    "run_private": ("10.0.0.0/8", "10.0.0.0/8"),
    "run_local_shell": ("1", True),
    "batch": ("10", 10),
    "unit_ms": ("20", 20),
    "retention_days": ("90", 90),
    "retention_canceled_days": ("1", 1),
    "retention_failed_days": ("365", 365),
    "log_level": ("DEBUG", "DEBUG"),
    "log_format": ("json", "json"),
}


def read(**environment: str) -> Settings:
    return Settings.read({"UV_DATA": "/srv/uv", **environment})


@pytest.mark.parametrize("name", FIELDS)
def test_each_setting_is_read_from_its_variable(name: str) -> None:
    text, value = CHOSEN[name]
    assert getattr(read(**{env_of(name): text}), name) == value
    assert getattr(read(), name) != value or name == "data"


@pytest.mark.parametrize("name", FIELDS)
def test_each_setting_says_what_it_is_and_empty_means_the_default(name: str) -> None:
    assert FIELDS[name].metadata["help"].endswith(".")
    assert read(**{env_of(name): ""} if name != "data" else {}) == read()


def test_what_may_hold_a_password_is_marked_as_secret() -> None:
    secret = {name for name, f in FIELDS.items() if f.metadata["secret"]}
    assert secret == {"database_url", "database_read_url", "redis_url", "broker_url", "secret_key"}


def test_defaults_follow_from_the_data_folder() -> None:
    settings = read()
    assert settings.database_url == settings.database_read_url == "sqlite:////srv/uv/ultravisor.db"
    assert settings.redis_url == "unix:///srv/uv/redis/redis.sock"
    assert settings.broker_url == "redis+socket:///srv/uv/redis/redis.sock"
    assert settings.one_writer
    assert 1 <= len(settings.hub) <= 64


def test_a_server_is_not_one_writer_and_its_readers_use_it_too() -> None:
    settings = read(DATABASE_URL="postgresql+psycopg://h/db", REDIS_URL="redis://h/0")
    assert not settings.one_writer
    assert (settings.database_read_url, settings.broker_url) == (settings.database_url, "redis://h/0")


def test_a_settings_record_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read().hub = "other"


@pytest.mark.parametrize(("name", "meant"), [("UV_ADRESS", "UV_ADDRESS"), ("UV_WORKER_PROCESS", "UV_WORKER_PROCESSES"), ("UV_BATCHES", "UV_BATCH")])
def test_a_name_that_is_nearly_ours_is_refused_with_the_one_that_was_meant(name: str, meant: str) -> None:
    with pytest.raises(BadSettings, match=f"{name} is no setting of ours; did you mean {meant}"):
        read(**{name: "1"})


def test_names_of_other_programs_and_of_our_tests_pass() -> None:
    assert read(UV_TEST_CRASH_AT="committed", UV_CACHE_DIR="/x", HOME="/y") == read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UV_ADDRESS", "nowhere"),
        ("UV_ADDRESS", "127.0.0.1"),
        ("UV_ADDRESS", "127.0.0.1:0"),
        ("UV_ADDRESS", "127.0.0.1:65536"),
        ("UV_ADDRESS", "127.0.0.1:http"),
        ("UV_ADDRESS", ":80"),
        ("UV_HUB", "a b"),
        ("UV_HUB", "x" * 65),
        ("UV_ALLOW_OPEN", "perhaps"),
        ("UV_MAX_BODY", "1023"),
        ("UV_MAX_BODY", "a lot"),
        ("UV_PING_SECONDS", "0"),
        ("UV_PING_SECONDS", "nan"),
        ("UV_WAIT", "soon"),
        ("UV_WAIT", "-1"),
        ("UV_WAIT", "nan"),
        ("UV_WAIT", "inf"),
        ("UV_WEB_WORKERS", "0"),
        ("UV_WEB_THREADS", "3"),
        ("UV_WORKER_PROCESSES", "0"),
        ("UV_FLOWER_ADDRESS", "nowhere"),
        ("UV_FLOWER_ADDRESS", "0.0.0.0:5555"),
        ("UV_BATCH", "0"),
        ("UV_BATCH", "10001"),
        ("UV_BATCH", "1.5"),
        ("UV_UNIT_MS", "0"),
        ("UV_LOG_LEVEL", "LOUD"),
        ("UV_LOG_FORMAT", "xml"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name if value not in ("nowhere", "127.0.0.1", "127.0.0.1:http", ":80") else "is no address"):
        read(**{name: value})


OPEN = ["0.0.0.0:80", "[::]:80", "192.168.1.5:80", "hub.example:80", "127.0.0.1.example:80", "localhost.example:80"]


@pytest.mark.parametrize("address", OPEN)
def test_an_address_that_others_reach_needs_a_word_from_the_operator(address: str) -> None:
    with pytest.raises(BadSettings, match="UV_ALLOW_OPEN=1"):
        read(UV_ADDRESS=address)
    assert read(UV_ADDRESS=address, UV_ALLOW_OPEN="1").address == address
    assert read(UV_FLOWER_ADDRESS=address, UV_ALLOW_OPEN="1").flower_address == address


@pytest.mark.parametrize("address", ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "localhost:80"])
def test_loopback_needs_none(address: str) -> None:
    assert read(UV_ADDRESS=address).address == address


@pytest.mark.parametrize("text", ["1", "true", "YES", "on"])
def test_yes(text: str) -> None:
    assert read(UV_ALLOW_OPEN=text).allow_open


@pytest.mark.parametrize("text", ["0", "False", "no", "OFF"])
def test_no(text: str) -> None:
    assert not read(UV_ALLOW_OPEN=text).allow_open


def test_host_names_are_lower_case_and_never_the_wildcard() -> None:
    settings = read(UV_ADDRESS="0.0.0.0:80", UV_ALLOW_OPEN="1", UV_HOSTS=" Hub.Example , ,b")
    assert settings.host_names == {"localhost", "127.0.0.1", "::1", "hub.example", "b"}


@given(st.integers(0, 99_999), st.sampled_from(["h", "127.0.0.1", "a.b"]))
def test_an_address_is_its_two_parts(port: int, host: str) -> None:
    assert split_address(f"{host}:{port}") == (host, port)
    assert split_address(f"[::1]:{port}") == ("::1", port)


def test_loopback_is_judged_by_number_and_by_one_name() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "10.0.0.1", "example")] == [True, True, True, False, False]


def test_a_long_data_folder_moves_the_socket_where_its_name_fits() -> None:
    deep = Path("/srv") / ("d" * 120)
    assert len(str(redis_socket(deep))) < 108
    assert redis_socket(deep) == redis_socket(deep) != redis_socket(deep / "x")
    assert as_broker_url("redis://h") == "redis://h"


@pytest.mark.parametrize(("url", "levels"), [("", 90), ("postgresql+psycopg://h/d", 90), ("mysql+pymysql://h/d", 28), ("mariadb+pymysql://h/d", 28)])
def test_how_deep_a_request_may_be_is_the_engines_matter(url: str, levels: int) -> None:
    assert Settings.read({"DATABASE_URL": url}).most_nested == levels
