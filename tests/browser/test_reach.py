"""For everybody: by keyboard, on a small screen, without scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.home import bucket, part, pill, row, run, scrolls_sideways
from tests.browser.hub import Hub
from tests.services.processes import Process


def tab_to(page: Page, target: Locator) -> None:
    for _ in range(40):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail("the tabulator does not lead there")


def test_by_keyboard_alone(page: Page, atlas: Process) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the command")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#command")).to_be_focused()
    for word in ("one", "two"):
        page.locator("body").press("Escape")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("/")
        expect(page.locator("#command")).to_be_focused()
        page.keyboard.type(f"echo key-{word}")
        page.keyboard.press("Enter")
        expect(pill(row(page, f"key-{word}").first)).to_have_text("Complete")

    newest, older = row(page, "key-two").first.locator("a"), row(page, "key-one").first.locator("a")
    tab_to(page, newest)
    page.keyboard.press("ArrowDown")
    expect(older).to_be_focused()
    page.keyboard.press("Enter")
    expect(part(page, "StdOut")).to_have_text("key-one")
    expect(page.locator("#detail-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    expect(older).to_be_focused()


def test_the_address_keeps_what_is_open(page: Page, atlas: Process) -> None:
    run(page, "echo shared")
    line = row(page, "echo shared").first
    expect(pill(line)).to_have_text("Complete")
    line.click()
    expect(part(page, "StdOut")).to_have_text("shared")
    page.reload()
    expect(part(page, "StdOut")).to_have_text("shared")
    page.locator("#drawer-close").click()
    expect(page.locator("#drawer")).to_be_hidden()
    page.go_forward()
    expect(part(page, "StdOut")).to_have_text("shared")
    page.go_back()
    expect(page.locator("#drawer")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_scrolls_sideways_at_360(open_page: Callable[..., Page], atlas: Process, scheme: str, tmp_path: Path) -> None:
    page = open_page(viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True)
    card = run(page, "echo a-word-without-any-gap-that-is-much-longer-than-a-small-screen-is-wide-and-goes-on; exit 7")
    expect(pill(card)).to_have_text("Complete")
    expect(row(page, "a-word-without").first.locator(".note")).to_be_visible()
    assert not scrolls_sideways(page)
    page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)
    row(page, "a-word-without").first.click()
    expect(part(page, "StdOut")).to_contain_text("a-word-without")
    assert not scrolls_sideways(page)
    assert page.locator("#drawer").bounding_box()["x"] >= 0
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()


def test_the_first_paint_says_it_all(hub: Hub, atlas: Process, open_page: Callable[..., Page]) -> None:
    hash = hub.enqueue("Shell", Command="echo plain")
    assert hub.ended(hash) == "Complete"
    page = open_page(java_script_enabled=False)
    expect(page.locator("#live")).to_contain_text("state of")
    expect(page.locator("noscript .trouble")).to_be_visible()
    expect(page.locator("#beacons")).to_contain_text("atlas")
    expect(page.locator("#beacons .pill")).to_have_text("Online")
    completed = hub.rows("SELECT count(*) AS n FROM hub_work_item WHERE status = 'Complete'")[0]["n"]
    expect(bucket(page, "Completed")).to_have_text(f"{completed:,}".replace(",", " "))
    line = page.locator(f'#items tr[data-key="{hash}"]')
    expect(line).to_contain_text("echo plain")
    expect(pill(line)).to_have_text("Complete")
    expect(page.get_by_role("button", name="Run")).to_be_disabled()
    line.locator("a").click()
    assert page.url.endswith(f"/Beacon/Work/{hash}")


def test_the_server_and_the_script_paint_the_same(hub: Hub, open_page: Callable[..., Page], start_beacon: Callable[..., Process]) -> None:
    start_beacon("both", "--provider", "Shell", "--provider", "Synthetic")
    hashes = [
        hub.enqueue("Shell", Command="printf 'two\\nlines'\nexit 4"),
        hub.enqueue("Synthetic", "Process", DurationMs=3, FailRate=1),
        hub.enqueue("Synthetic", "Process", DurationMs=1_200, maxRetries=3),
        hub.enqueue("Synthetic", "Process", DurationMs=2, Note="ä ö   ü"),
    ]
    for hash in hashes:
        hub.ended(hash)
    still = open_page(java_script_enabled=False)
    live = open_page()
    # Its own painting, not what it took over: the list is emptied first.
    expect(live.locator("#live")).to_have_text("live")
    live.evaluate("document.querySelector('#items tbody').replaceChildren()")
    hub.enqueue("Nobody", "Does")
    for hash in hashes:
        lines = [page.locator(f'#items tr[data-key="{hash}"] td:not(.is-age)') for page in (still, live)]
        expect(lines[1].first).to_be_visible()
        expect(lines[1].locator("code").first).not_to_be_empty()
        assert lines[0].all_text_contents() == lines[1].all_text_contents()
    assert still.locator("#beacons").inner_text() == live.locator("#beacons").inner_text()
