"""The plots' page: lines from samples, live, in every time, and numbers for those who do not see lines."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.home import scrolls_sideways
from tests.browser.hub import Hub


def test_the_lines_are_drawn_and_said(hub: Hub, open_page: Callable[..., Page]) -> None:
    hub.enqueue("Plot", "Wait")
    hub.sampled()
    page = open_page("/plots?range=15m")
    expect(page.locator(".plot canvas")).to_have_count(4)
    expect(page.locator(".plot-body").first).to_have_attribute("aria-label", re.compile(r"Queue depth: waiting \d+, running \d+"))
    expect(page.locator('#ranges [value="15m"]')).to_be_checked()
    page.get_by_text("The newest numbers").click()
    expect(page.locator("#numbers tbody tr").first).to_be_visible()


def test_a_new_sample_appears_by_itself_and_a_time_is_in_the_address(hub: Hub, open_page: Callable[..., Page]) -> None:
    hub.sampled()
    page = open_page("/plots")
    page.get_by_text("The newest numbers").click()
    expect(page.locator("#numbers tbody tr").first).to_be_visible()
    newest = page.locator("#numbers tbody tr th").first.inner_text()
    expect(page.locator("#numbers tbody tr th").first).not_to_have_text(newest)
    page.get_by_role("radio", name="24 hours").check()
    expect(page).to_have_url(re.compile(r"range=24h"))
    expect(page.locator("#plots-of")).to_contain_text("one point for 3 m")
    page.go_back()
    expect(page.locator('#ranges [value="1h"]')).to_be_checked()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_small_screen(hub: Hub, open_page: Callable[..., Page], scheme: str) -> None:
    hub.sampled()
    page = open_page("/plots", viewport={"width": 360, "height": 740}, color_scheme=scheme)
    expect(page.locator(".plot canvas")).to_have_count(4)
    assert not scrolls_sideways(page)


def test_without_the_library_the_numbers_are_there(hub: Hub, open_page: Callable[..., Page], complaints: list[str]) -> None:
    hub.sampled()
    page = open_page("/queue")
    page.route("**/lib/uplot.js", lambda route: route.fulfill(status=404, body=""))
    page.goto(f"{hub.url}/plots")
    expect(page.locator("#plots-note")).to_contain_text("library is not installed")
    expect(page.locator("#numbers tbody tr").first).to_be_visible()
    complaints[:] = [text for text in complaints if "404" not in text]
