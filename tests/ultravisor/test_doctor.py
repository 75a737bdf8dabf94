"""What the doctor sees, and what it makes of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from schema import envelope as keys
from schema.settings import Settings
from tests.services.broker import RedisServer
from ultravisor import lanes
from ultravisor.doctor import broker, clocks, database, disk, machine, road
from ultravisor.doctor.finding import Finding, Level, ok, problem, warning, worst
from ultravisor.main import cli


def levels(findings: Iterable[Finding]) -> dict[str, str]:
    return {finding.subject: finding.level.name for finding in findings}


def test_the_worst_finding_is_the_verdict() -> None:
    assert worst([]) == Level.OK
    assert worst([ok("a", ""), problem("b", "", ""), warning("c", "", "")]) == Level.PROBLEM


@pytest.mark.parametrize(
    ("waits", "level"),
    [
        ([], "OK"),
        ([(5.9, False)], "OK"),
        ([(7.0, True), (0.1, False)], "WARNING"),
        ([(7.0, True), (7.0, False)], "PROBLEM"),
    ],
)
def test_entries_that_wait_for_long_are_a_problem_when_nobody_flushes_them(waits: list[tuple[float, bool]], level: str) -> None:
    assert road.judged_lanes([lanes.Lane("hub/a", 3, seconds, flushed) for seconds, flushed in waits]).level.name == level


@pytest.mark.parametrize(("ago", "level"), [(None, "PROBLEM"), (-0.2, "OK"), (2.0, "OK"), (11.0, "PROBLEM")])
def test_the_sweep_shows_that_beat_is_alive(ago: float | None, level: str) -> None:
    assert road.judged_sweep(ago).level.name == level


def test_a_queue_without_a_consumer_is_a_problem() -> None:
    assert road.judged_queues({"flush", "execute"}, {"execute", "flush", "more"}).level is Level.OK
    finding = road.judged_queues({"flush", "execute"}, {"flush"})
    assert (finding.level, finding.seen) == (Level.PROBLEM, "nobody serves execute")


@pytest.mark.parametrize(("took", "level"), [(0.02, "WARNING"), (0.15, "WARNING"), (1.5, "OK"), (90.0, "WARNING")])
def test_a_flush_too_quick_to_be_believed_is_said(took: float, level: str) -> None:
    assert disk.judged_flush(took).level.name == level


def test_a_flush_is_measured(tmp_path: Path) -> None:
    assert disk.flush_ms(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("skew", "level"), [(0.001, "OK"), (-0.6, "WARNING"), (3600.0, "WARNING")])
def test_clocks_that_differ_are_said(skew: float, level: str) -> None:
    assert clocks.judged_skew("broker clock", skew).level.name == level


@pytest.mark.parametrize(("limit", "level"), [(-1, "OK"), (256, "WARNING"), (20_000, "OK")])
def test_a_low_file_limit_is_said(limit: int, level: str) -> None:
    assert machine.judged_files(limit, 64).level.name == level


def test_a_broker_that_may_forget_is_a_problem(redis_url: str, redis_server: RedisServer, tmp_path: Path) -> None:
    settings = Settings.read({"UV_DATA": str(tmp_path), "REDIS_URL": redis_url})
    with redis_server.client() as client:
        assert levels(broker.look(settings, True)) == {"broker": "OK", "broker file": "OK", "broker eviction": "OK", "broker memory": "OK"}
        before = client.config_get("*")
        try:
            client.config_set("maxmemory-policy", "allkeys-lru")
            client.config_set("maxmemory", client.info("memory")["used_memory"] + 2**17)
            client.config_set("appendonly", "no")
            found = levels(broker.look(settings, True))
        finally:
            for name in ("maxmemory", "maxmemory-policy", "appendonly"):
                client.config_set(name, before[name])
    assert found == {"broker": "OK", "broker file": "PROBLEM", "broker eviction": "PROBLEM", "broker memory": "WARNING"}


def test_a_broker_that_does_not_answer_is_a_problem_only_while_the_hub_should_run(tmp_path: Path) -> None:
    settings = Settings.read({"UV_DATA": str(tmp_path)})
    assert levels(broker.look(settings, True)) == {"broker": "PROBLEM"}
    assert levels(broker.look(settings, False)) == {"broker": "WARNING"}


def test_a_database_without_our_tables_is_a_problem(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ultravisor.db") as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
    connection.close()
    found = levels(database.look(Settings.read({"UV_DATA": str(tmp_path)}), True))
    assert found == {"database": "OK", "schema": "PROBLEM", "journal mode": "WARNING", "WAL size": "OK", "dead letters": "OK"}


def test_a_database_server_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    settings = Settings.read({"UV_DATA": str(tmp_path), "DATABASE_URL": f"postgresql+psycopg://nobody@/nothing?host={tmp_path}"})
    assert levels(database.look(settings, True)) == {"database": "PROBLEM"}


def test_waiting_lanes_are_read_from_the_journal(redis_url: str, tmp_path: Path) -> None:
    settings = Settings.read({"UV_DATA": str(tmp_path), "REDIS_URL": redis_url})
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        seconds, _ = client.time()
        client.sadd(keys.LANES, "hub/a", "hub/empty")
        client.eval("redis.call('XADD', KEYS[1], ARGV[1], 'e', 'x')", 1, keys.journal("hub/a"), f"{(seconds - 9) * 1000}-0")
        (lane,) = lanes.waiting(client, settings)
        assert (lane.name, lane.waiting, lane.flushed) == ("hub/a", 1, False)
        assert 8 < lane.seconds < 12
        client.set(keys.lease("@control"), "somebody")
        assert [lane.flushed for lane in lanes.waiting(client, settings)] == [True]


def test_a_hub_that_is_down_is_examined_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("REDIS_URL", raising=False)
    result = CliRunner().invoke(cli, ["doctor", "--json"])
    found = {row["subject"]: row for row in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert (found["hub"]["level"], found["hub"]["advice"]) == ("warning", "Start it with: ultravisor up")
    assert found["versions"]["level"] == "ok"
