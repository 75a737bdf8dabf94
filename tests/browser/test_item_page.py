"""All of one item: why it waits, in words, what it has been through, and what can be done."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.home import part, scrolls_sideways
from tests.browser.hub import Hub
from tests.services.processes import Process


def test_why_it_waits_is_said_in_words_and_follows_what_happens(
    hub: Hub, open_page: Callable[..., Page], start_beacon: Callable[..., Process]
) -> None:
    hash = hub.enqueue("Ponder", "Process", DurationMs=5)
    page = open_page(f"/items/{hash}")
    expect(part(page, "Why").locator('[data-blocks="true"]').first).to_contain_text("No beacon with the capability Ponder is registered")
    expect(part(page, "Why")).to_contain_text("Start a beacon that has it")
    page.evaluate("window.still = 'here'")
    start_beacon("sage", "--provider", "Synthetic", "--synthetic-capability", "Ponder")
    expect(page.locator("#detail-pill")).to_have_text("Complete")
    expect(part(page, "Why")).to_have_count(0)
    expect(part(page, "Events").locator("tbody td:nth-child(2)")).to_have_text(["enqueued", "dispatched", "completed"])
    expect(page.locator("#detail-acts")).to_be_hidden()
    assert page.evaluate("window.still") == "here"


def test_a_failed_item_is_queued_again_with_edited_settings(hub: Hub, open_page: Callable[..., Page], start_beacon: Callable[..., Process]) -> None:
    start_beacon("clumsy", "--provider", "Synthetic", "--synthetic-capability", "Drop")
    hash = hub.enqueue("Drop", "Process", DurationMs=5, FailRate=1)
    assert hub.ended(hash) == "Error"
    page = open_page(f"/items/{hash}")
    expect(part(page, "Error")).to_contain_text("Synthetic failure")
    page.get_by_role("button", name="Requeue …").click()
    settings = page.get_by_label("Settings, as JSON")
    settings.fill("{ no json")
    page.get_by_role("button", name="Requeue it").click()
    expect(page.locator("#ask-requeue-error")).to_contain_text("This is no JSON")
    settings.fill('{"DurationMs": 5, "FailRate": 0}')
    page.get_by_role("button", name="Requeue it").click()
    expect(page.locator("#detail-pill")).to_have_text("Complete")
    expect(part(page, "Attempts").locator("tbody tr")).to_have_count(2)
    (row,) = hub.rows("SELECT settings FROM hub_work_item WHERE work_item_hash = ?", hash)
    assert json.loads(row["settings"]) == {"DurationMs": 5, "FailRate": 0}


def test_it_is_canceled_with_a_reason(hub: Hub, open_page: Callable[..., Page]) -> None:
    hash = hub.enqueue("Nobody", "Comes")
    page = open_page(f"/items/{hash}")
    page.get_by_role("button", name="Cancel …").click()
    page.get_by_label("Why, for the history").fill("changed my mind")
    page.keyboard.press("Enter")
    expect(page.locator("#detail-pill")).to_have_text("Canceled")
    expect(page.locator("#detail-body")).to_contain_text("changed my mind")
    (row,) = hub.rows("SELECT status, cancel_reason FROM hub_work_item WHERE work_item_hash = ?", hash)
    assert tuple(row.values()) == ("Canceled", "changed my mind")


def test_a_late_report_is_shown_as_evidence(hub: Hub, open_page: Callable[..., Page]) -> None:
    hash = hub.superseded("Evidence")
    page = open_page(f"/items/{hash}")
    expect(part(page, "Attempts")).to_contain_text("Superseded")
    expect(part(page, "Attempt 1, superseded: outputs")).to_contain_text("too late")


def test_an_item_that_nobody_knows_is_said_to_be_unknown(open_page: Callable[..., Page], complaints: list[str]) -> None:
    page = open_page("/items/wi-nobody-knows-me")
    expect(page.locator("#detail-title")).to_have_text("Cannot be shown")
    expect(page.locator("#detail-body")).to_contain_text("There is no work item")
    complaints[:] = [text for text in complaints if "404" not in text]


def test_it_fits_a_small_screen(hub: Hub, open_page: Callable[..., Page]) -> None:
    hash = hub.enqueue("Small", "Item", Path="/a/very/long/path/that/does/not/fit/onto/a/small/screen/and/goes/on/and/on.txt")
    page = open_page(f"/items/{hash}", viewport={"width": 360, "height": 740})
    expect(part(page, "Settings")).to_be_visible()
    assert not scrolls_sideways(page)
