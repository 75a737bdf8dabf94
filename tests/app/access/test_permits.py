"""Every route that there is asks who somebody is and whether they may, before anything is read or stored."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from app import permits
from app.permits import FRAMES
from app.sockets.desk import _HANDLERS
from schema.access.rules import ADMINISTER, PUBLIC, READ, ROLES, SERVE
from schema.settings import Settings
from tests.app.access.conftest import House
from tests.app.routes import ENDING, ROUTES, Route

#: What needs no login. Whoever adds to it must mean it.
OPEN = {
    *("GET /login", "GET /favicon.ico", "GET /static/nothing/nothing", "GET /healthz", "GET /readyz", "GET /status"),
    *("POST /1.0/Authenticate", "GET /1.0/Authenticate/nothing/nothing", "GET /1.0/CheckSession", "GET /1.0/Deauthenticate"),
    *("POST /1.0/Deauthenticate", "POST /1.0/Session/Context/nothing", "POST /Beacon/BootstrapAdmin"),
}


def rule_of(app: Flask, route: Route) -> str:
    rule, _ = app.url_map.bind("localhost").match(route.path, method=route.method, return_rule=True)
    return str(rule.rule)


def is_open(route: Route) -> bool:
    return str(route).replace("HEAD ", "GET ").replace("OPTIONS ", "GET ") in OPEN or (
        route.method == "OPTIONS" and permits.wanted("GET", route.path) == PUBLIC
    )


def test_the_open_ones_are_those_and_no_others(app: Flask) -> None:
    public = {str(route) for route in ROUTES if permits.wanted(route.method, rule_of(app, route)) == PUBLIC}
    assert {name for name in public if not name.startswith(("HEAD", "OPTIONS"))} == OPEN


def test_every_entry_of_the_table_is_a_route(app: Flask) -> None:
    real = {f"{method} {rule.rule}" for rule in app.url_map.iter_rules() for method in rule.methods or ()}
    assert set(permits.ROUTES) - real == set()


def test_every_frame_has_its_permission() -> None:
    assert set(FRAMES) == set(_HANDLERS)
    assert set(FRAMES.values()) == {READ, SERVE}


def entries(house: House) -> dict[str, object]:
    """What lies in the journals, and how many rows there are."""
    with house.worker.kernel.redis.pipeline() as pipe:
        lanes = sorted(house.worker.kernel.redis.keys("uv:journal:*"))
        for lane in lanes:
            pipe.xinfo_stream(lane)
        streams = {lane.decode(): info["last-generated-id"] for lane, info in zip(lanes, pipe.execute(), strict=True)}
    return streams | {"audit": house.rows("SELECT count(*) FROM ledger_audit")[0][0]}


def test_a_stranger_gets_401_everywhere_and_nothing_is_appended(house: House) -> None:
    before = entries(house)
    for route in ROUTES:
        if permits.wanted(route.method, rule_of(house.app, route)) == PUBLIC:
            continue
        for headers in ({}, {"Cookie": "SessionID=guessed"}, {"Authorization": "Bearer uvt_guessed"}, {"Authorization": "Basic YTpi"}):
            answer = house.stranger().open(route.path, method=route.method, headers=headers)
            assert answer.status_code == 401, (str(route), headers, answer.status_code)
            if route.method != "HEAD":
                body = answer.get_json()
                assert (body["Code"], body["LoggedIn"], body["Error"]) == ("unauthenticated", False, "Authentication required.")
    for path, method in (("/nothing", "GET"), ("/Beacon", "PATCH"), ("/nothing", "POST")):
        assert house.stranger().open(path, method=method).status_code == 401, "what there is and is not is nobody's business"
    assert entries(house) == before


@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_403_wherever_it_may_not_and_nothing_is_appended(role: str, house: House) -> None:
    client = house.beacon("one")[0] if role == "beacon" else house.login(f"the-{role}")
    before = entries(house)
    refused = 0
    for route in ROUTES:
        wanted = permits.wanted(route.method, rule_of(house.app, route))
        if wanted == PUBLIC or wanted in ROLES[role]:
            continue
        answer = client.open(route.path, method=route.method)
        assert answer.status_code == 403, (str(route), wanted, answer.status_code)
        refused += 1
    assert entries(house) == before
    assert (refused == 0) == (role == "admin")


@pytest.mark.parametrize("role", ["reader", "operator", "admin"])
def test_a_role_gets_in_wherever_it_may(role: str, house: House) -> None:
    client = house.login(f"the-{role}")
    for route in ENDING:
        wanted = permits.wanted(route.method, rule_of(house.app, route))
        if wanted in ROLES[role] and wanted != SERVE and "/Me/" not in route.path:
            assert client.open(route.path, method=route.method, headers={"Prefer": "wait=0"}).status_code not in (401, 403), str(route)


def test_what_only_an_admin_may_is_only_the_admins(app: Flask) -> None:
    administered = {name for name, wanted in permits.ROUTES.items() if wanted == ADMINISTER}
    assert {name for name in administered if not re.search(r"/User|/JoinSecret|/dead-letters|/beacon/connection", name)} == set()
    assert ADMINISTER not in ROLES["operator"] | ROLES["reader"] | ROLES["beacon"]


def test_open_mode_asks_nobody(tmp_path: object) -> None:
    settings = Settings.read({"UV_DATA": str(tmp_path)})
    assert not settings.secured
