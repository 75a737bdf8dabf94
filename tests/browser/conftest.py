"""One hub for all pages, a beacon for each test that wants one, and a browser that complains about nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.hub import Hub
from tests.services.fixtures import short_folder
from tests.services.processes import PATIENCE, Process

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="package")
def whole_hub() -> Iterator[Hub]:
    with short_folder() as folder:
        hub = Hub(folder)
        try:
            yield hub.start()
        finally:
            hub.close()


@pytest.fixture
def hub(whole_hub: Hub) -> Iterator[Hub]:
    """The hub, without a beacon; what the test stops of it runs again afterwards."""
    yield whole_hub
    if not whole_hub.web.alive:
        whole_hub.web.start()
    whole_hub.answers("/readyz")


@pytest.fixture
def start_beacon(hub: Hub) -> Iterator[Callable[..., Process]]:
    """Starts beacons that take their leave of the hub when the test ends."""
    started: list[Process] = []

    def start(name: str, *flags: str) -> Process:
        process = hub.beacon(name, *flags)
        started.append(process)
        return process.start()

    yield start
    for process in started:
        process.stop()
    hub.dismiss_beacons()


@pytest.fixture
def atlas(start_beacon: Callable[..., Process]) -> Process:
    """A beacon that runs shell commands."""
    return start_beacon("atlas", "--provider", "Shell")


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser found wrong; a test that breaks something on purpose takes out what that must cause."""
    return []


@pytest.fixture
def open_page(browser: Browser, hub: Hub, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens a page of the hub in a window of its own; the options are those of Playwright's contexts."""
    contexts = []

    def open_at(path: str = "/", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(hub.url + path)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """The home page, live."""
    page = open_page()
    expect(page.locator("#live")).to_have_text("live")
    return page
