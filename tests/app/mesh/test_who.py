"""In secured mode an item acts for whoever has enqueued it, and for nobody else."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from schema.ledger.tables import audit
from tests.app.access.conftest import House, environment, house
from tests.app.mesh.conftest import Mesh
from tests.services.processes import eventually
from tests.tasks.gateway.uv import UV

__all__ = ["environment", "house"]


@pytest.fixture
def client(house: House) -> FlaskClient:
    return house.login("the-admin")


def number(house: House, name: str) -> int:
    return int(house.rows(f"SELECT id FROM access_user WHERE name = '{name}'")[0][0])


def test_stamps_name_whoever_has_logged_in(house: House, mesh: Mesh) -> None:
    admin = number(house, "the-admin")
    assert mesh.library.add(Title="a", Isbn="1")["CreatingIDUser"] == admin
    assert mesh.proxied("POST", "/1.0/library/Book", {"Title": "b", "Isbn": "2"}, RemoteUser="the-admin")[1]["CreatingIDUser"] == admin
    mesh.client.environ_base["HTTP_AUTHORIZATION"] = house.token("the-operator", "operator")["Authorization"]
    _, book = mesh.proxied("POST", "/1.0/library/Book", {"Title": "c", "Isbn": "3"})
    assert book["CreatingIDUser"] == number(house, "the-operator")


def test_nobody_acts_for_another(house: House, mesh: Mesh) -> None:
    mesh.client = house.login("the-operator")
    for claim in ({"RemoteUser": "the-admin"}, {"Session": {"UserID": number(house, "the-admin")}}):
        said = mesh.error("MeadowProxy", "Request", Method="POST", Path="/1.0/library/Book", Body="{}", **claim)
        assert said == "MeadowProxy: this item may not act for another user."
    assert mesh.library.rows('SELECT count(*) FROM "Book"') == [(0,)]

    def refused() -> bool:
        with mesh.presence.kernel.engine.connect() as connection:
            found = connection.execute(sa.select(audit.c.actor).where(audit.c.outcome == "refused")).scalars().all()
        return found == ["user:the-operator"] * 2

    assert eventually(refused)


def test_an_item_may_do_what_its_submitter_may(house: House, mesh: Mesh) -> None:
    shape = {"IDBeaconConnection": mesh.library.id, "SchemaJSON": UV}
    assert mesh.outputs("DataBeaconSchema", "EnsureSchema", **shape)["Success"] is True
    mesh.client = house.login("the-operator")
    assert "no permission to administer" in mesh.error("DataBeaconSchema", "EnsureSchema", **shape)
    assert "no permission" in mesh.error("DataBeaconManagement", "CreateConnection", Name="X", Type="SQLite", Config={"SQLiteFilePath": "x.db"})
    assert len(mesh.outputs("DataBeaconAccess", "ListConnections")["Connections"]) == 1
