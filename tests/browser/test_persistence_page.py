"""The main job: an operator picks a connection, watches the pill, and finds every row of the hub there with a driver of his own."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from schema.bridge.tables import assignment
from tasks import unit
from tasks.bridge.states import NEW
from tasks.kernel import clock
from tests.browser import runs
from tests.browser.hub import Hub
from tests.browser.test_live import silent
from tests.browser.test_reach import tab_to
from tests.browser.test_run_page import WORK
from tests.schema.runs.graphs import node, operation
from tests.services.processes import Process, eventually
from tests.tasks.gateway.targets import config_of

ENGINES = ("sqlite", "postgresql", "mariadb")
SUM = operation([node("x", "set-value", Value=42, ToAddress="Output.sum")], ["start.Out>x.Execute"])
TABLES = {
    "UVQueueWorkItem": "hub_work_item",
    "UVQueueWorkItemAttempt": "hub_work_attempt",
    "UVQueueWorkItemEvent": "hub_work_event",
    "UVManifest": "runs_run",
}


@pytest.fixture(scope="module")
def databeacon(whole_hub: Hub) -> Iterator[Process]:
    """The process that serves the hub's connections."""
    yield whole_hub.gateway.start()
    whole_hub.gateway.stop()


@pytest.fixture
def persistence(hub: Hub, databeacon: Process, open_page: Callable[..., Page], complaints: list[str]) -> Iterator[Page]:
    """The page of a hub that keeps its rows nowhere else yet."""
    hub.client.post("/Ultravisor/Persistence/Assign", json={"BeaconID": None}).raise_for_status()
    yield open_page("/persistence")
    hub.client.post("/Ultravisor/Persistence/Assign", json={"BeaconID": None}).raise_for_status()
    # A machine that is slow answers late; the page then asks again under the same key, and the browser remarks on it.
    complaints[:] = [text for text in complaints if "503" not in text]


@pytest.fixture(params=ENGINES)
def target_url(request: pytest.FixtureRequest, hub: Hub) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{hub.data / 'databases' / 'target.db'}"
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def made_in_the_form(page: Page, name: str, file: str) -> None:
    """The operator describes a SQLite file, tries it, and has it known."""
    page.get_by_role("button", name="New connection …").click()
    maker = page.locator("#maker")
    maker.get_by_label("Name").fill(name)
    maker.get_by_label("Kind of database").select_option("SQLite")
    maker.get_by_role("button", name="Create").click()
    expect(page.locator("#maker-error")).to_contain_text("File")
    maker.get_by_label("File", exact=True).fill("../../etc/passwd")
    maker.get_by_role("button", name="Test").click()
    expect(page.locator("#maker-error")).to_contain_text("UV_GATEWAY_FILES")
    maker.get_by_label("File", exact=True).fill(file)
    maker.get_by_role("button", name="Test").click()
    expect(page.locator("#maker-told")).to_have_text("It answers.")
    maker.get_by_role("button", name="Create").click()
    expect(maker).to_be_hidden()


def holds(url: str, table: str, rows: int) -> None:
    """Wait until the table has so many rows."""
    eventually(lambda: counted(url, table) == rows)


def counted(url: str, table: str) -> int:
    """Rows over there, by the driver."""
    engine = sa.create_engine(url)
    quoted = f'"{table}"' if "postgresql" in url else table
    with engine.connect() as connection:
        found = connection.execute(sa.text(f"SELECT count(*) FROM {quoted}")).scalar_one()
    engine.dispose()
    return int(found)


def test_the_main_job(hub: Hub, persistence: Page, target_url: str, start_beacon: Callable[..., Process]) -> None:
    page, engine = persistence, sa.make_url(target_url).get_backend_name()
    start_beacon("mover", "--provider", "Synthetic", "--synthetic-capability", "Keep")
    before = hub.enqueue("Keep", "Process", DurationMs=1)
    hub.ended(before)
    expect(page.locator("#state")).to_have_text("unassigned")
    kind, config = config_of(target_url)
    if kind != "SQLite":
        made = hub.client.post("/beacon/connection", json={"Name": engine, "Type": kind, "Config": config})
        made.raise_for_status()
    page.get_by_role("button", name="Choose …").click()
    if kind == "SQLite":
        made_in_the_form(page, engine, "target.db")
    else:
        page.get_by_label("Connection", exact=True).select_option(label=f"{engine} ({kind})")
        page.locator("#connection-test").click()
    expect(page.locator("#picker-note")).to_have_text(re.compile("OK|Connected"))
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#state")).to_have_text("bootstrapped")
    expect(page.locator("#where")).to_contain_text(f"in {engine} ({kind})")
    moves = [event["ToState"] for event in hub.answers("/Ultravisor/Persistence/Events")["Events"]]
    assert moves[:3] == ["bootstrapped", "bootstrapping", "waiting-for-beacon"]

    for _ in range(20):
        hub.ended(hub.enqueue("Keep", "Process", DurationMs=1))
    hub.client.post("/Operation", json={**SUM, "Hash": "sum"}).raise_for_status()
    hub.client.post("/Operation/sum/Trigger", json={}).raise_for_status()
    for there, here in TABLES.items():
        number = hub.rows(f"SELECT count(*) AS n FROM {here}")[0]["n"]
        assert number > 0
        expect(page.locator("#tables tr").filter(has=page.get_by_role("button", name=there, exact=True)).locator("td").first).to_have_text(
            shown(number)
        )
        holds(target_url, there, number)
    expect(page.locator("#lag")).to_have_text("nothing")
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#sentence")).to_have_text("Compared row by row: both sides are equal.")
    browsed(page, hub)


def shown(number: int) -> str:
    return re.sub(r"\B(?=(\d{3})+$)", " ", str(number))


def browsed(page: Page, hub: Hub) -> None:
    """The rows themselves, narrowed down, sorted, and as a file."""
    complete = hub.rows("SELECT count(*) AS n FROM hub_work_item WHERE status = 'Complete' AND capability = 'Keep'")[0]["n"]
    for column, value in (("Capability", "Keep"), ("Status", "Complete")):
        page.locator("#rows-column").select_option(column)
        page.locator("#rows-value").fill(value)
        page.locator("#rows-value").press("Enter")
        expect(page.locator("#rows-where li").filter(has_text=f"{column}={value}")).to_be_visible()
    expect(page.locator("#rows tbody tr")).to_have_count(min(complete, 50))
    page.locator("#rows th").get_by_role("button", name="EnqueuedAt").click()
    expect(page.locator("#rows th[aria-sort=descending]")).to_have_text("EnqueuedAt")
    with page.expect_download() as download:
        page.locator("#rows-csv").click()
    with Path(download.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == complete
    assert {row["Status"] for row in rows} == {"Complete"}
    page.locator("#rows tbody tr").first.press("Enter")
    expect(page.locator("#row")).to_contain_text(rows[0]["WorkItemHash"])
    page.keyboard.press("Escape")
    expect(page.locator("#rows tbody tr").first).to_be_focused()


def assigned(hub: Hub, page: Page, name: str = "local") -> int:
    """Has the rows kept in the connection that a hub begins with."""
    connections = eventually(lambda: [one for one in hub.answers("/beacon/connections")["Connections"] if one["Name"] == name])
    id = int(connections[0]["IDBeaconConnection"])
    hub.client.post("/Ultravisor/Persistence/Assign", json={"BeaconID": "embedded", "IDBeaconConnection": id}).raise_for_status()
    expect(page.locator("#state")).to_have_text("bootstrapped")
    return id


def test_without_the_databeacon_the_pill_waits_and_says_how_much_and_then_goes_on(hub: Hub, persistence: Page, databeacon: Process) -> None:
    assigned(hub, persistence)
    expect(persistence.locator("#lag")).to_have_text("nothing")
    databeacon.kill()
    for _ in range(3):
        hub.enqueue("Nobody")
    persistence.reload()
    expect(persistence.locator("#lag")).to_have_text(re.compile(r"\d+ rows"))
    expect(persistence.locator("#lag-time")).to_have_text(re.compile(r"[1-9].* s"))
    databeacon.start()
    expect(persistence.locator("#lag")).to_have_text("nothing", timeout=90_000)  # a process that starts, and a message that is sent again
    assert hub.answers("/Ultravisor/Persistence/Verify")["Equal"]


def test_who_else_uses_it_is_said_before_and_after(hub: Hub, persistence: Page) -> None:
    id = assigned(hub, persistence)
    neighbour = {**NEW, "hub": "southwind", "connection_id": id, "beacon": "embedded", "state": "waiting-for-beacon", "changed_at": clock()}
    engine = unit.connect(f"sqlite:///{hub.data / 'ultravisor.db'}")
    try:
        with engine.begin() as connection:
            connection.execute(sa.insert(assignment), neighbour)
        persistence.reload()
        expect(persistence.locator("#used-by")).to_contain_text("southwind")
        persistence.get_by_role("button", name="Choose …").click()
        expect(persistence.locator("#picker-warning")).to_contain_text("Already used by southwind")
        persistence.keyboard.press("Escape")
        expect(persistence.locator("#choose")).to_be_focused()
    finally:
        with engine.begin() as connection:
            connection.execute(sa.delete(assignment).where(assignment.c.hub == "southwind"))
        engine.dispose()


def test_a_steady_page_asks_for_nothing(hub: Hub, persistence: Page) -> None:
    assigned(hub, persistence)
    expect(persistence.locator("#lag")).to_have_text("nothing")
    assert any(silent(persistence) for _ in range(8))


def test_retention_is_set_counted_and_carried_out(hub: Hub, persistence: Page) -> None:
    assigned(hub, persistence)
    form = persistence.locator("#retention")
    form.locator("[name=days]").fill("30")
    form.get_by_role("button", name="Save").click()
    expect(persistence.locator("#notice-text")).to_have_text("Saved.")
    persistence.get_by_role("button", name="Count what would go").click()
    expect(persistence.locator("#retention-told")).to_contain_text("0 items and 0 runs would be deleted")
    persistence.get_by_role("button", name="Delete it now …").click()
    persistence.locator("#sweeping").get_by_role("button", name="Delete").click()
    expect(persistence.locator("#notice-text")).to_contain_text("Deleted: 0 items")
    form.locator("[name=hold]").check()
    form.get_by_role("button", name="Save").click()
    expect(persistence.locator("#notice-text")).to_have_text("Saved.")
    persistence.get_by_role("button", name="Count what would go").click()
    expect(persistence.locator("#retention-told")).to_have_text("On hold: nothing goes.")
    hub.client.put("/Ultravisor/Persistence/Retention", json={"RetentionDays": 0, "LegalHold": False}).raise_for_status()


def test_the_choice_by_keyboard_alone_on_a_phone(hub: Hub, databeacon: Process, open_page: Callable[..., Page]) -> None:
    eventually(lambda: hub.answers("/beacon/connections")["Connections"])
    page = open_page("/persistence", viewport={"width": 390, "height": 780}, has_touch=True)
    expect(page.locator("#state")).to_have_text("unassigned")
    tab_to(page, page.locator("#choose"))
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#connection"))
    page.keyboard.press("Home")
    tab_to(page, page.locator("#picker-save"))
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_have_text("bootstrapped")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing stands out sideways"
    tab_to(page, page.locator("#clear"))
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#clearing button[value=clear]"))
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_have_text("unassigned")


def test_a_run_that_is_begun_in_the_browser_is_a_manifest_in_the_chosen_database(
    hub: Hub, persistence: Page, open_page: Callable[..., Page], start_beacon: Callable[..., Process]
) -> None:
    assigned(hub, persistence)
    runs.keep(hub, WORK, Hash="carry", Name="Carry")
    page = open_page("/operations?text=carry")
    page.get_by_role("button", name="Run Carry").click()
    expect(page).to_have_url(re.compile("/runs/run-carry-"))
    start_beacon("porter", "--provider", "Synthetic", "--synthetic-capability", "Toil")
    expect(page.locator("#run-pill")).to_have_text("Complete")
    hash = page.url.rpartition("/")[2]
    shown = page.locator("#history tbody tr td:nth-child(3)").all_inner_texts()
    found = eventually(lambda: there(hub, "SELECT * FROM UVManifest WHERE Hash = ? AND Status = 'Complete'", hash))
    assert (found["OperationHash"], found["Live"], found["UltravisorInstanceID"]) == ("carry", 0, "northwind")
    manifest = json.loads(found["ManifestJSON"])
    assert [event["EventName"] for event in reversed(manifest["EventLog"])] == shown
    assert {node: told["Executions"][0]["Status"] for node, told in manifest["TaskManifests"].items()} == {"start": "Complete", "work": "Complete"}
    item = eventually(lambda: there(hub, "SELECT * FROM UVQueueWorkItem WHERE RunHash = ? AND Status = 'Complete'", hash))
    assert (item["OperationHash"], item["NodeHash"], item["Capability"]) == ("carry", "work", "Toil")


def there(hub: Hub, question: str, *values: str) -> dict[str, Any]:
    """A row of the file `local`, by its driver; empty while there is none."""
    with contextlib.closing(sqlite3.connect(f"file:{hub.data / 'databases' / 'local.db'}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute(question, values).fetchone()
    return dict(row) if row is not None else {}
