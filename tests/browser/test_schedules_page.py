"""The schedules' page: one is made while its moments are shown, told what is wrong with it, fires, is stopped, changed and removed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

from schema.runs.tables import occurrence
from tasks import unit
from tasks.kernel import clock, new_id
from tests.browser import runs
from tests.browser.home import scrolls_sideways
from tests.browser.hub import Hub
from tests.schema.runs.graphs import node, operation
from tests.services.processes import eventually

SAY = operation([node("say", "template-string", Template="word", Destination="Output.text")], ["start.Out>say.In"])
ASK = operation([node("ask", "value-input", OutputAddress="Output.word", PromptMessage="Which word?")], ["start.Out>ask.RequestInput"])


@pytest.fixture(autouse=True)
def forgotten(hub: Hub) -> Iterator[None]:
    """What a test schedules does not go on after it."""
    yield
    for one in hub.answers("/Schedule"):
        hub.client.delete(f"/Schedule/{one['GUID']}").raise_for_status()
    hub.client.post("/Schedule/Start").raise_for_status()


def schedule(hub: Hub, operation: str, **more: Any) -> str:
    """The GUID of a schedule that is stored from now on."""
    body = {"Hash": operation, "ScheduleType": "daily", **more}
    return str(hub.client.post("/Schedule/Operation", json=body).raise_for_status().json()["GUID"])


def missed(hub: Hub, guid: str) -> None:
    """Lay a moment there that nobody noticed, as a hub does that was away for a minute."""
    row = {"id": new_id(), "schedule_guid": guid, "due_at": clock() - timedelta(hours=1), "status": "Missed", "reason": "nobody was there"}
    engine = unit.connect(f"sqlite:///{hub.data / 'ultravisor.db'}")
    with engine.begin() as connection:
        connection.execute(sa.insert(occurrence), row | {"run_hash": "", "fired_at": clock(), "ended_at": clock()})
    engine.dispose()


def line(page: Page, guid: str) -> Locator:
    return page.locator(f'#schedules tr[data-key="{guid}"]')


def only(hub: Hub) -> dict[str, Any]:
    (found,) = hub.answers("/Schedule")
    return dict(found)


def test_one_is_made_while_its_moments_are_shown(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, SAY, Hash="nightly", Name="Nightly report")
    page = open_page("/schedules", timezone_id="America/New_York")
    expect(page.locator("#none-text")).to_contain_text("Nothing is scheduled yet")
    page.keyboard.press("n")
    expect(page.get_by_label("Operation", exact=True)).to_be_focused()
    page.keyboard.type("Nightly report")
    expect(page.locator("#s-operations option")).to_have_count(1)
    page.get_by_label("Expression").fill("30 2 29 2 *")
    expect(page.get_by_label("Operation", exact=True)).to_have_value("nightly")
    expect(page.locator("#s-operation-name")).to_have_text("Nightly report")
    expect(page.get_by_label("Time zone")).to_have_value("America/New_York")
    moments = page.locator("#s-preview li")
    expect(moments).to_have_count(10)
    expect(moments.first).to_contain_text(re.compile(r"29 Feb \d{4}, 02:30:00"))
    page.get_by_label("Time zone").fill("Europe/Berlin")
    expect(moments.first).to_contain_text(re.compile(r"28 Feb \d{4}, 20:30:00"))
    expect(moments.first).to_contain_text("there 2")
    expect(moments.first).to_contain_text("-02-29 02:30:00")
    expect(page.locator("#s-preview-about")).to_contain_text("Europe/Berlin")
    expect(page.locator("#s-missed-about")).to_contain_text("that of the last one")
    page.get_by_label("Missed moments").select_option("skip")
    expect(page.locator("#s-missed-about")).to_contain_text("get no run")
    page.get_by_label("While a run is under way").select_option("replace")
    expect(page.locator("#s-overlap-about")).to_contain_text("abandoned")
    page.get_by_label("Parameters").fill("[1]")
    expect(page.locator("#s-settings-error")).to_contain_text("JSON object")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#schedule")).to_be_visible()
    page.get_by_label("Parameters").fill('{"who": "somebody"}')
    page.get_by_role("button", name="Save").click()
    row = page.locator("#schedules tbody tr")
    expect(row).to_contain_text("Nightly report")
    expect(row).to_contain_text("30 2 29 2 *")
    expect(row).to_contain_text(re.compile(r"28 Feb \d{4}, 20:30:00"))
    expect(row).to_contain_text("not due yet")
    kept = only(hub)
    assert {name: kept[name] for name in ("TargetHash", "CronExpression", "TimeZone", "MissedRuns", "Overlap", "Settings", "Active")} == {
        "TargetHash": "nightly",
        "CronExpression": "30 2 29 2 *",
        "TimeZone": "Europe/Berlin",
        "MissedRuns": "skip",
        "Overlap": "replace",
        "Settings": {"who": "somebody"},
        "Active": True,
    }


def test_what_is_wrong_stands_beside_its_field(hub: Hub, open_page: Callable[..., Page], complaints: list[str]) -> None:
    runs.keep(hub, SAY, Hash="wrong", Name="Wrong")
    page = open_page("/schedules?operation=wrong")
    page.get_by_role("button", name="New …").click()
    expression = page.get_by_label("Expression")
    expect(expression).to_be_focused()
    expression.fill("61 * * * *")
    expect(page.locator("#s-cron-error")).to_contain_text("is no cron expression")
    expect(expression).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#s-preview li")).to_have_count(0)
    expression.fill("* * *")
    expect(page.locator("#s-cron-error")).to_contain_text("has 3 fields")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#s-cron-error")).to_contain_text("has 3 fields")
    expect(expression).to_be_focused()
    assert hub.answers("/Schedule") == []
    expression.fill("0 5 * * *")
    page.get_by_label("Time zone").fill("Mars/Olympus")
    expect(page.locator("#s-zone-error")).to_contain_text("no IANA time zone")
    expect(page.locator("#s-cron-error")).to_be_empty()
    page.get_by_label("Time zone").fill("UTC")
    expect(page.locator("#s-preview li")).to_have_count(10)
    page.get_by_label("Kind").select_option("once")
    page.get_by_label("At, on the clock").fill("2001-02-03T04:05:06")
    expect(page.locator("#s-at-error")).to_contain_text("That moment has passed.")
    page.get_by_label("Kind").select_option("interval")
    page.get_by_label("Every", exact=True).fill("0.5")
    page.get_by_label("Unit").select_option("seconds")
    expect(page.locator("#s-every-error")).to_contain_text("whole number from 1000")
    page.get_by_label("Every", exact=True).fill("90")
    expect(page.locator("#s-preview li")).to_have_count(10)
    page.get_by_label("Operation", exact=True).fill("no-such-operation")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#s-operation-error")).to_contain_text("There is no operation no-such-operation")
    page.get_by_label("Operation", exact=True).fill("wrong")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#schedules tbody tr")).to_contain_text("every 90 seconds")
    assert only(hub)["Parameters"] == {"IntervalMs": 90_000}
    # Each refusal is a 422, which browsers write down.
    complaints[:] = [text for text in complaints if "422" not in text]


def test_an_interval_fires_and_its_run_is_linked(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, SAY, Hash="often-due", Name="Often due")
    page = open_page("/schedules")
    expect(page.locator("#live")).to_have_text("live")
    page.evaluate("window.still = 'here'")
    guid = schedule(hub, "often-due", ScheduleType="interval", Parameters={"IntervalMs": 1_000})
    row = line(page, guid)
    expect(row).to_contain_text("each second")
    expect(row.locator(".is-last")).to_contain_text("Complete")
    row.get_by_role("button", name="History").click()
    expect(page).to_have_url(re.compile(re.escape(f"#{guid}")))
    moments = page.locator("#past tbody tr")
    expect(moments.nth(1)).to_contain_text("Complete")
    expect(page.locator("#past-next li")).to_have_count(5)
    assert page.evaluate("window.still") == "here"
    hub.client.post(f"/Schedule/Stop/{guid}").raise_for_status()
    expect(page.locator("#past-next")).to_have_text("It is stopped.")
    kept = hub.answers(f"/Schedule/{guid}/Occurrences")
    expect(moments).to_have_count(len(kept))
    expect(moments.last.get_by_role("link")).to_have_attribute("href", f"/runs/{kept[-1]['RunHash']}")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    expect(page).to_have_url(re.compile("/schedules$"))
    expect(row.locator(".is-active")).to_have_text("Stopped")
    row.locator(".is-last a").click()
    expect(page.locator("#run-pill")).to_have_text("Complete")
    expect(page.locator("#run-facts")).to_contain_text("began by schedule")


def test_skipped_and_missed_are_told_apart_from_what_ran(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, ASK, Hash="ask-often", Name="Ask often")
    guid = schedule(hub, "ask-often", ScheduleType="interval", Parameters={"IntervalMs": 1_000}, Overlap="skip")
    page = open_page(f"/schedules#{guid}")
    expect(page.locator("#past-title")).to_have_text("Ask often")
    expect(page.locator('#past tr[data-status="Started"]')).to_have_count(1)
    expect(page.locator('#past tr[data-status="Skipped"]').first).to_contain_text("still runs")
    expect(page.locator('#past tr[data-status="Skipped"] a:visible')).to_have_count(0)
    missed(hub, guid)
    hub.client.post(f"/Schedule/Stop/{guid}").raise_for_status()
    expect(page.locator('#past tr[data-status="Missed"]')).to_contain_text("nobody was there")
    expect(page.locator('#past tr[data-status="Missed"] a:visible')).to_have_count(0)
    (run,) = {row["RunHash"] for row in hub.answers(f"/Schedule/{guid}/Occurrences")} - {""}
    expect(page.locator('#past tr[data-status="Started"] a')).to_have_attribute("href", f"/runs/{run}")
    hub.client.delete(f"/Schedule/{guid}").raise_for_status()
    hub.client.post(f"/Manifest/{run}/Abandon", json={}).raise_for_status()


def test_it_is_stopped_started_changed_and_removed(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, SAY, Hash="turned", Name="Turned")
    guid = schedule(hub, "turned", ScheduleType="interval", Parameters={"IntervalMs": 3_600_000})
    page = open_page("/schedules")
    row = line(page, guid)
    expect(row).to_contain_text("each hour")
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.get_by_role("button", name="Let it go on").click()
    assert only(hub)["Active"] is True
    page.keyboard.press("s")
    page.get_by_role("button", name="Stop it").click()
    expect(row.locator(".is-active")).to_have_text("Stopped")
    assert only(hub)["Active"] is False
    row.get_by_role("button", name="Start Turned").click()
    expect(row.locator(".is-active")).to_have_text("Active")
    before = only(hub)
    # What is not touched of when does not begin anew.
    page.keyboard.press("e")
    expect(page.locator("#s-preview li time").first).to_have_attribute("datetime", before["NextAt"])
    page.get_by_label("While a run is under way").select_option("skip")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#notice-text")).to_have_text("Turned is changed.")
    after = only(hub)
    assert (after["Overlap"], after["NextAt"]) == ("skip", before["NextAt"])
    page.keyboard.press("e")
    page.get_by_label("Kind").select_option("daily")
    expect(page.locator("#s-preview li").first).to_contain_text("00:00:00")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("each day, at midnight")
    page.get_by_role("button", name="Stop all …").click()
    page.get_by_role("button", name="Stop all", exact=True).click()
    expect(page.locator("#all-stopped")).to_be_visible()
    expect(row.locator(".is-active")).to_have_text("All stopped")
    eventually(lambda: not hub.answers("/status")["ScheduleRunning"], describe="nothing to be looked at")
    page.get_by_role("button", name="Start all").click()
    expect(page.locator("#all-stopped")).to_be_hidden()
    row.get_by_role("link", name="Turned", exact=True).focus()
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Remove it").click()
    expect(row).to_have_count(0)
    expect(page.locator("#none")).to_be_visible()
    assert hub.answers("/Schedule") == []


def test_pages_follow_each_other_and_it_fits_a_small_screen(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, SAY, Hash="a-hash-that-is-much-longer-than-a-small-screen-is-wide-and-goes-on", Name="")
    runs.keep(hub, SAY, Hash="small", Name="Small")
    for number in range(51):
        schedule(hub, "small", ScheduleType="cron", Parameters=f"{number} 3 * * 1-5", TimeZone="America/Argentina/ComodRivadavia")
    guid = schedule(hub, "a-hash-that-is-much-longer-than-a-small-screen-is-wide-and-goes-on")
    page = open_page("/schedules", viewport={"width": 390, "height": 844}, has_touch=True)
    expect(page.locator("#schedules tbody tr")).to_have_count(50)
    expect(line(page, guid)).to_be_visible()
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#schedules tbody tr")).to_have_count(52)
    line(page, guid).get_by_role("button", name="Edit").click()
    expect(page.locator("#s-preview li")).to_have_count(10)
    assert page.evaluate("(d => d.scrollWidth <= d.clientWidth)(document.getElementById('schedule'))")
    page.get_by_role("button", name="Leave").click()
    line(page, guid).get_by_role("button", name="History").click()
    expect(page.locator("#past-none")).to_be_visible()
    assert not scrolls_sideways(page)
    page.go_back()
    expect(page.locator("#drawer")).to_be_hidden()
