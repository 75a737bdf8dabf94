"""`ultravisor settings`."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from schema.settings import Settings
from ultravisor.main import cli

ENVIRONMENTS = [field.metadata["env"] for field in fields(Settings)]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_DATA", str(tmp_path))


@pytest.mark.usefixtures("environment")
def test_every_setting_is_listed_with_variable_value_default_and_help() -> None:
    rows = json.loads(CliRunner().invoke(cli, ["settings", "--json"]).stdout)
    assert [row["env"] for row in rows] == ENVIRONMENTS
    assert {row["env"]: row["value"] for row in rows}["UV_ADDRESS"] == "127.0.0.1:54321"
    assert all(row["help"] for row in rows)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("form", [[], ["--json"], ["--markdown"]])
def test_no_form_shows_a_secret(form: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_SECRET_KEY", "rosebud")
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://somebody:rosebud@localhost/x")
    result = CliRunner().invoke(cli, ["settings", *form])
    assert result.exit_code == 0
    assert "rosebud" not in result.stdout


def test_the_manuals_table_does_not_depend_on_where_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    before = CliRunner().invoke(cli, ["settings", "--markdown"]).stdout
    monkeypatch.setenv("UV_BATCH", "7")
    assert CliRunner().invoke(cli, ["settings", "--markdown"]).stdout == before
    assert len(before.splitlines()) == len(ENVIRONMENTS) + 2


def test_a_bad_setting_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_BATCH", "many")
    result = CliRunner().invoke(cli, ["settings"])
    assert (result.exit_code, result.output) == (1, "Error: UV_BATCH='many': a number is expected\n")


def test_the_beacons_variables_are_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_BEACON_SERVER", "http://127.0.0.1:1")
    assert CliRunner().invoke(cli, ["settings"]).exit_code == 0
