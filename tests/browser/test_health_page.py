"""The health page: what is wrong, in words, and what lies among the dead letters."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from schema.ledger.commands import DiscardDeadLetter
from tests.browser.home import scrolls_sideways
from tests.browser.hub import Hub

OUTAGE = re.compile("503|ERR_")


@pytest.fixture
def letter(hub: Hub) -> str:
    """A command that nobody could carry out: its record was laid there by hand, as a flush would have."""
    return hub.bury("hub.requeue", '{"oops": 1}')


def part(page: Page, name: str) -> str:
    return f'#parts li[data-key="{name}"]'


def test_all_parts_are_judged(hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page("/health")
    for name in ("Database", "Redis", "Workers", "Lanes", "Outbox", "Dead letters", "Beacons"):
        expect(page.locator(part(page, name))).to_be_visible()
    expect(page.locator(f"{part(page, 'Redis')} .pill")).to_have_text("well")
    expect(page.locator("#live")).to_have_text("live")


def test_a_broker_that_dies_is_said_on_every_page_and_forgotten_when_it_is_back(
    hub: Hub, open_page: Callable[..., Page], complaints: list[str]
) -> None:
    home, health = open_page("/"), open_page("/health")
    for page in (home, health):
        expect(page.locator("#live")).to_have_text("live")
        expect(page.locator("#trouble")).to_be_hidden()
    hub.redis.kill()
    for page in (home, health):
        expect(page.locator("#trouble-text")).to_have_text("Redis does not answer.")
        expect(page.locator("#live")).to_have_attribute("data-state", "trouble")
    expect(health.locator(f"{part(health, 'Redis')} .pill")).to_have_text("down")
    hub.redis.start()
    for page in (home, health):
        expect(page.locator("#trouble")).to_be_hidden()
        expect(page.locator("#live")).to_have_text("live")
    complaints[:] = [text for text in complaints if not OUTAGE.search(text)]


def test_a_dead_letter_is_read_and_discarded_with_a_reason(hub: Hub, letter: str, open_page: Callable[..., Page]) -> None:
    page = open_page("/health")
    row = page.locator(f'#letters tr[data-key="{letter}"]')
    expect(row).to_contain_text("hub.requeue")
    expect(page.locator("#dead")).to_contain_text("dead letter")
    row.get_by_role("button", name=re.compile("Traceback")).click()
    expect(page.locator(".trace pre")).to_contain_text("Traceback of the test")
    row.get_by_role("button", name=re.compile("Discard")).click()
    page.get_by_label("Why, for the audit").fill("was only a test")
    page.get_by_role("button", name="Discard", exact=True).click()
    expect(page.locator("#notice-text")).to_contain_text("Discarded")
    expect(row).to_have_count(0)
    assert hub.rows("SELECT 1 FROM ledger_dead_letter WHERE id = ?", letter) == []
    audits = hub.rows("SELECT * FROM ledger_audit WHERE command = ?", DiscardDeadLetter.name)
    assert any("was only a test" in str(audit) for audit in audits)


def test_a_dead_letter_that_nobody_can_read_is_refused_in_words(hub: Hub, letter: str, open_page: Callable[..., Page], complaints: list[str]) -> None:
    page = open_page("/health")
    row = page.locator(f'#letters tr[data-key="{letter}"]')
    row.get_by_role("button", name=re.compile("Replay")).click()
    expect(page.locator("#notice")).to_have_attribute("data-kind", "bad")
    expect(row).to_be_visible()
    row.get_by_role("button", name=re.compile("Discard")).click()
    page.keyboard.press("Escape")
    expect(row.get_by_role("button", name=re.compile("Discard"))).to_be_focused()
    complaints[:] = [text for text in complaints if "409" not in text]


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_fits_a_small_screen(hub: Hub, letter: str, open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page("/health", viewport={"width": 360, "height": 740}, color_scheme=scheme)
    expect(page.locator("#letters tbody tr").first).to_be_visible()
    assert not scrolls_sideways(page)
