"""The timeline: what happened on which beacon, what went wrong, nearer and farther, by pointer and by keys."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.home import scrolls_sideways
from tests.browser.hub import Hub
from tests.services.processes import Process

FAILED = 6


def test_what_a_beacon_did_stands_in_its_lane_and_new_things_appear(
    hub: Hub, open_page: Callable[..., Page], start_beacon: Callable[..., Process]
) -> None:
    start_beacon("weaver", "--provider", "Synthetic", "--synthetic-capability", "Weave")
    first = hub.enqueue("Weave", "Process", DurationMs=30)
    assert hub.ended(first) == "Complete"
    page = open_page("/timeline?capability=Weave")
    expect(page.locator("#chart .name").filter(has_text="weaver")).to_be_visible()
    expect(page.locator(f'#chart a[href="/items/{first}"] rect[data-kind="good"]')).to_have_count(1)
    later = hub.enqueue("Weave", "Process", DurationMs=1_500)
    expect(page.locator(f'#chart a[href="/items/{later}"] rect[data-kind="now"]')).to_have_count(1)
    expect(page.locator(f'#chart a[href="/items/{later}"] rect[data-kind="good"]')).to_have_count(1)
    expect(page.locator("#line-of")).to_have_text("2 ended, 0 under way")


def test_an_anomaly_is_marked_and_looked_at(hub: Hub, open_page: Callable[..., Page], start_beacon: Callable[..., Process]) -> None:
    start_beacon("butcher", "--provider", "Synthetic", "--synthetic-capability", "Spoil", "--max-concurrent", "10")
    for hash in [hub.enqueue("Spoil", "Process", DurationMs=1, FailRate=1) for _ in range(FAILED)]:
        assert hub.ended(hash) == "Error"
    page = open_page("/timeline?range=6h&capability=Spoil")
    expect(page.locator("#odd tbody tr").first).to_contain_text("Failed")
    expect(page.locator('#chart path[data-kind="odd"]').first).to_be_visible()
    expect(page.locator("#line-note")).to_contain_text("zoom in")
    page.locator("#odd").get_by_role("button", name=re.compile("Look at")).first.click()
    expect(page).to_have_url(re.compile("from=.*to="))
    expect(page.locator("#chart .name").filter(has_text="butcher")).to_be_visible()
    expect(page.locator('#chart rect[data-kind="bad"]').first).to_be_visible()


def test_by_keys_and_by_drawing(hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page("/timeline")
    expect(page.locator("#chart svg")).to_be_visible()
    following = page.locator("#now")
    expect(following).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowLeft")
    expect(following).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#span")).to_contain_text("5 m 30 s")
    page.keyboard.press("+")
    expect(page.locator("#span")).to_contain_text("2 m 45 s")
    page.keyboard.press("0")
    expect(following).to_have_attribute("aria-pressed", "true")
    # The drawing follows: what is drawn over is what one sees.
    expect(page.locator("#span")).to_contain_text("5 m 30 s")
    box = page.locator("#chart").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(following).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#span")).to_contain_text(re.compile(r", 1 m \d+ s"))
    page.go_back()
    expect(following).to_have_attribute("aria-pressed", "true")
    page.get_by_role("radio", name="1 hour").check()
    expect(page).to_have_url(re.compile("range=1h"))


def test_a_small_screen(hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page("/timeline", viewport={"width": 360, "height": 740}, color_scheme="light")
    expect(page.locator("#chart svg")).to_be_visible()
    expect(page.locator("#live")).to_have_text("live")
    assert not scrolls_sideways(page)
