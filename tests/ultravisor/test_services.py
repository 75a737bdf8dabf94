"""What the hub consists of, and what its parts are told."""

from __future__ import annotations

import shlex
import shutil
import socket
import sys
from pathlib import Path

import pytest
from honcho.environ import parse_procfile

from schema.settings import Settings
from ultravisor import here
from ultravisor.runtime import services
from ultravisor.runtime.places import PROCFILE

LINES = parse_procfile(PROCFILE.read_text()).processes


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.read({"UV_DATA": str(tmp_path)})


def test_the_procfile_names_the_six_services() -> None:
    assert list(LINES) == ["web", "worker", "gateway", "executor", "beat", "flower"]


@pytest.mark.parametrize("name", LINES)
def test_each_line_is_one_plain_command_that_exists(name: str) -> None:
    words = shlex.split(LINES[name])
    assert not {";", "&&", "||", "|", "&", "exec"} & set(words), "`exec` is put before it"
    assert shutil.which(words[0], path=f"{Path(sys.executable).parent}:/usr/bin:/bin")


def test_services_are_told_every_setting_as_it_was_resolved(settings: Settings) -> None:
    chosen = services.services(settings, services.Flower("127.0.0.1:5555"))
    assert [service.name for service in chosen] == list(LINES)
    for service in chosen:
        assert here.settings(service.environment).data == settings.data
        assert service.environment["REDIS_URL"] == settings.redis_url
        assert len(service.environment["UV_SECRET_KEY"]) >= 40
    assert chosen[-1].environment["FLOWER_PORT"] == "5555"


def test_a_given_key_makes_no_file(tmp_path: Path) -> None:
    settings = Settings.read({"UV_DATA": str(tmp_path), "UV_SECRET_KEY": "given"})
    assert services.exported(settings)["UV_SECRET_KEY"] == "given"
    assert list(tmp_path.iterdir()) == []


def test_the_web_process_does_not_know_who_may_write(tmp_path: Path) -> None:
    url = "postgresql+psycopg://{}@localhost/x"
    settings = Settings.read({"UV_DATA": str(tmp_path), "DATABASE_URL": url.format("writer"), "DATABASE_READ_URL": url.format("reader")})
    told = {service.name: service.environment["DATABASE_URL"] for service in services.services(settings, services.Flower(None))}
    assert told == {
        "web": url.format("reader"),
        "worker": url.format("writer"),
        "gateway": url.format("writer"),
        "executor": url.format("writer"),
        "beat": url.format("writer"),
    }


def test_nothing_is_started_for_a_flower_that_is_off(settings: Settings) -> None:
    assert services.flower_for(settings, {"UV_FLOWER_ADDRESS": ""}) == services.Flower(None)
    assert "flower" not in [service.name for service in services.services(settings, services.Flower(None))]


def test_a_taken_port_is_avoided_unless_it_was_asked_for(tmp_path: Path) -> None:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        taken = f"127.0.0.1:{somebody.getsockname()[1]}"
        settings = Settings.read({"UV_DATA": str(tmp_path), "UV_FLOWER_ADDRESS": taken})
        elsewhere = services.flower_for(settings, {})
        assert elsewhere.address not in (None, taken)
        off = services.flower_for(settings, {"UV_FLOWER_ADDRESS": taken})
        assert off.address is None
        assert taken in off.remark


def test_work_stops_coming_before_its_doers_end_and_the_journal_ends_last() -> None:
    assert services.stages(["web", "worker", "beat", "flower", "more"]) == [["web", "beat", "flower", "more"], ["worker", "gateway"], ["redis"]]


def test_whatever_hangs_all_have_ended_within_ten_seconds() -> None:
    assert services.USUALLY_ENDS_WITHIN < services.ENDS_WITHIN["worker"] < services.ENDS_WITHIN["redis"] < 10
