"""A secured hub with one user of each role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import passwords
from schema.access.commands import AddUser, RotateJoinSecret, SetToken
from schema.access.rules import PEOPLE
from schema.base import Actor, Command
from schema.outcome import Done
from tests.app.worker import Worker

PASSWORD = "correct horse battery"
JOIN = passwords.JOIN_MARK + "a-secret-for-beacons"
OTHER_JOIN = passwords.JOIN_MARK + "a-secret-for-other-beacons"
CONSOLE = Actor("console", "tests")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "UV_SECURED": "1"}


@dataclass
class House:
    """The hub, and clients of it."""

    app: Flask
    worker: Worker

    def do(self, command: Command) -> dict[str, Any]:
        """As the command line would."""
        outcome = self.app.extensions["dispatcher"].dispatch(command, actor=CONSOLE, wait=10)
        assert isinstance(outcome, Done), outcome
        return outcome.value

    def stranger(self) -> FlaskClient:
        return self.app.test_client()

    def login(self, name: str, password: str = PASSWORD) -> FlaskClient:
        """Somebody with a session."""
        client = self.app.test_client()
        answer = client.post("/1.0/Authenticate", json={"UserName": name, "Password": password})
        assert answer.get_json()["LoggedIn"] is True, answer.get_json()
        return client

    def beacon(self, name: str, secret: str = JOIN) -> tuple[FlaskClient, str]:
        """A beacon that has joined over HTTP, and its BeaconID."""
        client = self.app.test_client()
        body = {"Name": name, "Capabilities": ["Shell"], "MaxConcurrent": 4, "JoinSecret": secret}
        answer = client.post("/Beacon/Register", json=body)
        assert answer.status_code == 200, answer.get_json()
        return client, str(answer.get_json()["BeaconID"])

    def token(self, user: str, role: str) -> dict[str, str]:
        """The header of a program."""
        made = passwords.fresh(passwords.TOKEN_MARK)
        self.do(SetToken(username=user, token_name=f"for-{role}", digest=passwords.digest(made), role=role))
        return {"Authorization": f"Bearer {made}"}

    def rows(self, statement: str) -> list[Any]:
        with self.worker.kernel.engine.connect() as connection:
            return list(connection.execute(sa.text(statement)))


HASH = passwords.hashed(PASSWORD)


@pytest.fixture
def house(app: Flask, worker: Worker) -> House:
    made = House(app, worker)
    for role in PEOPLE:
        made.do(AddUser(username=f"the-{role}", password_hash=HASH, role=role))
    made.do(RotateJoinSecret(secret_name="default", digest=passwords.digest(JOIN)))
    made.do(RotateJoinSecret(secret_name="other", digest=passwords.digest(OTHER_JOIN)))
    return made
