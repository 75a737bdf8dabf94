"""Where things are on the home page."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def run(page: Page, command: str) -> Locator:
    """Types a command and sends it. Returns its card."""
    page.locator("#command").fill(command)
    page.keyboard.press("Enter")
    card = page.locator(".sent-one").first
    expect(card.locator("[data-f=command]")).to_have_text(command)
    return card


def pill(within: Locator) -> Locator:
    return within.locator(".pill").first


def row(page: Page, text: str) -> Locator:
    return page.locator("#items tbody tr").filter(has_text=text)


def bucket(page: Page, name: str) -> Locator:
    return page.locator(f'.bucket[data-bucket="{name}"] .bucket-count')


def part(page: Page, title: str) -> Locator:
    """A box or table of the open drawer."""
    return page.locator(f'#detail-body [data-part="{title}"]')


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"))
