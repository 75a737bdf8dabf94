"""The beacons' page: who is there, what each holds, and what an operator does to them."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.home import scrolls_sideways
from tests.browser.hub import Hub
from tests.services.processes import Process


def beacon(page: Page, name: str) -> Locator:
    return page.locator("#beacons tbody tr").filter(has_text=name)


def test_a_beacon_comes_works_and_goes_without_a_reload(hub: Hub, open_page: Callable[..., Page], start_beacon: Callable[..., Process]) -> None:
    page = open_page("/beacons")
    expect(page.locator("#no-beacons")).to_contain_text("No beacon has registered.")
    process = start_beacon("porter", "--provider", "Synthetic", "--synthetic-capability", "Carry", "--max-concurrent", "2", "--grace-seconds", "0")
    expect(beacon(page, "porter").locator(".pill")).to_have_text("Online")
    hash = hub.enqueue("Carry", "Process", DurationMs=60_000)
    expect(beacon(page, "porter").locator(".is-slots")).to_contain_text("1 of 2")
    expect(beacon(page, "porter").locator(".is-hand a").first).to_have_attribute("href", f"/items/{hash}")
    expect(page.locator("#beacons-of")).to_contain_text("1 of 1 online, 1 of 2 slots in use")
    process.stop()
    expect(beacon(page, "porter")).to_have_count(0)
    hub.client.post(f"/Beacon/Work/{hash}/Cancel").raise_for_status()


def test_a_paused_beacon_drains_and_goes_on(hub: Hub, open_page: Callable[..., Page]) -> None:
    hub.register("mole", "Dig")
    hash = hub.enqueue("Dig")
    page = open_page("/beacons")
    page.get_by_role("button", name="Pause mole").click()
    expect(beacon(page, "mole")).to_contain_text("paused, drains 1")
    (row,) = hub.rows("SELECT beacon_id, paused_at FROM hub_beacon WHERE name = 'mole'")
    assert row["paused_at"]
    hub.client.post(f"/Beacon/Work/{hash}/Complete", json={"BeaconID": row["beacon_id"]}).raise_for_status()
    expect(beacon(page, "mole")).to_contain_text("paused, drained")
    page.get_by_role("button", name="Resume mole").click()
    expect(beacon(page, "mole")).not_to_contain_text("paused")
    page.get_by_role("button", name="Remove mole").click()
    expect(page.locator("#remove-what")).to_contain_text("It holds nothing")
    page.get_by_role("button", name="Remove it").click()
    expect(beacon(page, "mole")).to_have_count(0)


def test_defaults_are_set_shown_and_forgotten(hub: Hub, open_page: Callable[..., Page]) -> None:
    id = hub.register("tailor", "Sew", ActionSchemas=[{"Capability": "Sew", "Action": "Hem", "Description": "Shortens what is too long"}])
    page = open_page("/beacons")
    row = page.locator("#actions tbody tr").filter(has_text="Sew · Hem")
    expect(row).to_contain_text("Shortens what is too long")
    expect(row).to_contain_text("tailor")
    row.get_by_role("button", name="Defaults of Sew Hem").click()
    page.get_by_label("Tries", exact=True).fill("4")
    page.get_by_label(re.compile("^Time limit")).fill("60000")
    page.keyboard.press("Enter")
    expect(row.locator("[data-f=tries]")).to_have_text("4")
    expect(row.locator("[data-f=timeout]")).to_have_text("1 m 0 s")
    (stored,) = hub.rows("SELECT max_attempts, timeout_ms, default_priority FROM hub_action_default WHERE capability = 'Sew'")
    assert tuple(stored.values()) == (4, 60_000, None)
    row.get_by_role("button", name="Defaults of Sew Hem").click()
    page.get_by_role("button", name="Forget them").click()
    expect(row.locator("[data-f=tries]")).to_have_text("1")
    hub.client.delete(f"/Beacon/{id}")


def test_the_matrix_tells_who_listens(hub: Hub, open_page: Callable[..., Page]) -> None:
    ears = hub.register("ears", "Hear", BindAddresses=[{"IP": "10.0.0.7", "Port": 1}])
    mouth = hub.register("mouth", "Speak")
    page = open_page("/beacons")
    cells = page.locator("#reach tbody tr").filter(has_text="mouth").locator("td")
    expect(cells.first).to_contain_text("not tried")
    expect(page.locator("#reach tbody tr").filter(has_text="ears").locator("td").last).to_contain_text("announces no address")
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    for id in (ears, mouth):
        hub.client.delete(f"/Beacon/{id}")


def test_a_small_screen(hub: Hub, open_page: Callable[..., Page]) -> None:
    ids = [hub.register(f"small-{n}", "Fit") for n in range(3)]
    page = open_page("/beacons", viewport={"width": 360, "height": 740}, color_scheme="light")
    expect(beacon(page, "small-1")).to_be_visible()
    assert not scrolls_sideways(page)
    for id in ids:
        hub.client.delete(f"/Beacon/{id}")
