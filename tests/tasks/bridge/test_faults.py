"""What can be wrong with the database over there: the pill says so in its words, the hub goes on, and when it is over nothing is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from schema.bridge.commands import Verify
from schema.gateway.tables import connection
from schema.sealing import cipher
from tasks import vault
from tasks.gateway.opening import engine_for
from tests.tasks.bridge.conftest import Bridge

POSTGRESQL = pytest.mark.parametrize("target_url", ["postgresql"], indirect=True)
MARIADB = pytest.mark.parametrize("target_url", ["mariadb"], indirect=True)
SQLITE = pytest.mark.parametrize("target_url", ["sqlite"], indirect=True)
NOT_MARIADB = pytest.mark.parametrize("target_url", ["sqlite", "postgresql"], indirect=True)


def keeping(bridge: Bridge) -> None:
    """A hub whose rows are over there."""
    bridge.hub.register("ada", slots=3)
    bridge.hub.enqueue(5)
    bridge.assign()
    bridge.mirror()
    assert bridge.state == "bootstrapped"


def in_trouble(bridge: Bridge, states: tuple[str, ...], words: str) -> None:
    """The hub goes on; the pill says what is wrong."""
    bridge.hub.enqueue(3)
    bridge.mirror()
    assert bridge.state in states
    assert words.lower() in bridge.error.lower()
    bridge.hub.enqueue(2)


def recovers(bridge: Bridge) -> None:
    """By itself: nobody assigns again."""
    bridge.unhold()
    bridge.mirror()
    assert (bridge.state, bridge.error) == ("bootstrapped", "")
    bridge.agree()
    assert bridge.asked(Verify(hub="h", connection=bridge.connection))["Equal"]


def test_a_dropped_table_is_made_again_and_filled_again(bridge: Bridge) -> None:
    keeping(bridge)
    bridge.write_there(f"DROP TABLE {bridge.table('UVQueueWorkItemEvent')}")
    in_trouble(bridge, ("error",), "UVQueueWorkItemEvent")
    recovers(bridge)


def test_all_tables_dropped_with_the_mark(bridge: Bridge) -> None:
    keeping(bridge)
    for name in ("UVQueueWorkItem", "UVQueueWorkItemAttempt", "UVQueueWorkItemEvent", "UVManifest"):
        bridge.write_there(f"DROP TABLE {bridge.table(name)}")
    bridge.write_there("DROP TABLE ultravisor_mirror")
    in_trouble(bridge, ("error",), "ultravisor_mirror")
    recovers(bridge)


@POSTGRESQL
def test_a_database_that_may_only_be_read(bridge: Bridge) -> None:
    keeping(bridge)
    engine = sa.create_engine(bridge.url, isolation_level="AUTOCOMMIT")
    name = sa.make_url(bridge.url).database
    with engine.connect() as connected:
        connected.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        engine_for(bridge.hub.kernel, bridge.connection, "write").dispose()
        in_trouble(bridge, ("error", "waiting-for-beacon"), "read-only")
        connected.exec_driver_sql("SET default_transaction_read_only = off")
        connected.exec_driver_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    engine.dispose()
    recovers(bridge)


@MARIADB
def test_a_password_that_is_wrong(bridge: Bridge) -> None:
    bridge.write_there("CREATE OR REPLACE USER keeper IDENTIFIED BY 'right'")
    bridge.write_there("GRANT ALL ON *.* TO keeper")
    secret(bridge, "wrong")
    bridge.assign()
    in_trouble(bridge, ("error", "waiting-for-beacon"), "Access denied")
    assert "wrong" not in bridge.error
    secret(bridge, "right")
    recovers(bridge)
    bridge.write_there("DROP USER keeper")


def secret(bridge: Bridge, password: str) -> None:
    """The operator enters another password."""
    kernel = bridge.hub.kernel
    sealed = cipher(vault.key_of(kernel.settings)).encrypt(f'{{"password":"{password}"}}'.encode()).decode()
    with kernel.engine.begin() as control:
        config = dict(control.execute(sa.select(connection.c.config)).scalar_one()) | {"user": "keeper"}
        control.execute(sa.update(connection).values(config=config, secrets=sealed, revision=connection.c.revision + 1))


@SQLITE
def test_a_disk_that_is_full(bridge: Bridge) -> None:
    keeping(bridge)
    engine = engine_for(bridge.hub.kernel, bridge.connection, "write")
    full: Callable[..., None] = lambda dbapi, _: dbapi.execute("PRAGMA max_page_count = 1")  # noqa: E731 - it is what is taken away again
    sa.event.listen(engine, "connect", full)
    engine.dispose()
    bridge.hub.enqueue(40, settings={"text": "x" * 4_000})
    in_trouble(bridge, ("error", "waiting-for-beacon"), "full")
    sa.event.remove(engine, "connect", full)
    engine.dispose()
    recovers(bridge)


@NOT_MARIADB
def test_a_row_that_somebody_has_put_in_our_way(bridge: Bridge) -> None:
    keeping(bridge)
    c, items = bridge.column, bridge.table("UVQueueWorkItem")
    first = bridge.there(f"SELECT min({c('IDUVQueueWorkItem')}) FROM {items}")[0][0]
    bridge.write_there(f"CREATE UNIQUE INDEX by_hand ON {items} ({c('Priority')}) WHERE {c('IDUVQueueWorkItem')} > {first + 4}")
    in_trouble(bridge, ("error",), "unique")
    bridge.write_there("DROP INDEX by_hand")
    recovers(bridge)


@pytest.mark.parametrize("ahead", [timedelta(days=-400), timedelta(days=400)])
@SQLITE
def test_a_clock_that_is_wrong_moves_no_row(bridge: Bridge, ahead: timedelta) -> None:
    keeping(bridge)
    bridge.hub.clock.ahead = ahead
    bridge.hub.enqueue(3)
    bridge.mirror()
    bridge.hub.clock.ahead = None
    bridge.hub.enqueue(3)
    bridge.mirror()
    assert bridge.state == "bootstrapped"
    bridge.agree()
