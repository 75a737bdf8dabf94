"""The services that the other tests trust."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from tests.services import fixtures
from tests.services.broker import RedisServer
from tests.services.processes import Process, eventually, free_port, listening


def test_each_engine_hands_out_an_empty_database(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
        assert sa.inspect(connection).get_table_names() == []
        connection.exec_driver_sql("CREATE TABLE mark (id INTEGER)")
    engine.dispose()


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_a_database_is_dropped_although_somebody_is_still_in_a_transaction(engine: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(f"{engine}_server")
    url = server.create()
    lingering = sa.create_engine(url)
    with lingering.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE mark (id INTEGER)")
        server.drop(url)
        connection.invalidate()
    lingering.dispose()
    with pytest.raises(sa.exc.OperationalError):
        lingering.connect()


def test_redis_keeps_what_it_acknowledged_when_it_is_killed(redis_url: str, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        # With `everysec` a busy disk may hold back the write itself for up to 2 s.
        client.config_set("appendfsync", "always")
        client.xadd("stream", {"field": "value"})
    redis_server.kill()
    with pytest.raises(redis.ConnectionError), redis_server.client() as client:
        client.ping()
    redis_server.start()
    with redis_server.client() as client:
        assert client.xlen("stream") == 1


@pytest.mark.parametrize("injury", ["kill", "pause"])
def test_the_next_test_gets_a_redis_that_is_whole_and_empty(injury: str, redis_url: str, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.set("left", "behind")
    getattr(redis_server, injury)()
    redis_server.renew()
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_a_process_is_waited_for_by_what_it_says(launch: Callable[..., Process]) -> None:
    process = launch(sys.executable, "-uc", "print('ready on 7'); input()", ready="ready on")
    assert process.wait_for_line(r"ready on (\d)")[1] == "7"
    assert process.wait() == 1, "its input is empty, so it ended with EOFError"


def test_silence_is_reported_with_the_output(launch: Callable[..., Process]) -> None:
    with pytest.raises(AssertionError, match=r"(?s)ended before it said 'ready'.*something else"):
        launch(sys.executable, "-c", "print('something else')", ready="ready")


def test_a_kill_reaches_the_children(launch: Callable[..., Process]) -> None:
    port = free_port()
    serve = f"import http.server as h; h.HTTPServer(('127.0.0.1', {port}), h.BaseHTTPRequestHandler).serve_forever()"
    parent = launch(sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {serve!r}])")
    eventually(lambda: listening(port))
    parent.kill()
    eventually(lambda: not listening(port))


def test_a_process_that_will_not_stop_is_killed_and_named(launch: Callable[..., Process]) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    process = launch(sys.executable, "-c", deaf, ready="deaf")
    with pytest.raises(AssertionError, match="did not stop"):
        process.stop(within=0.2)
    assert process.wait() == -signal.SIGKILL


def test_a_missing_service_is_a_skip_on_a_laptop_and_a_failure_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no such program"):
        fixtures.missing("no such program")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no such program"):
        fixtures.missing("no such program")


def test_tests_of_nouns_cannot_connect(pytester: pytest.Pytester) -> None:
    conftest = Path(fixtures.__file__).parents[1] / "conftest.py"
    pytester.makeconftest(conftest.read_text().replace("pytest_plugins", "unused"))
    offender = "import socket\ndef test_connects():\n    with socket.socket() as s:\n        s.connect(('127.0.0.1', 9))\n"
    pytester.mkdir("schema").joinpath("test_noun.py").write_text(offender)
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a test under tests/schema tried to connect*"])
