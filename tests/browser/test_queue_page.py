"""The queue's page: looking for items, choosing them, and doing something to many, with the true outcome of each."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.home import part, scrolls_sideways
from tests.browser.hub import Hub
from tests.services.processes import Process

OUTAGE = re.compile("503|ERR_")


@pytest.fixture
def queue(open_page: Callable[..., Page]) -> Callable[..., Page]:
    def open_queue(query: str = "", **options: object) -> Page:
        page = open_page(f"/queue{query}", **options)
        expect(page.locator("#live")).to_have_text("live")
        expect(page.locator("#loading")).to_be_hidden()
        return page

    return open_queue


def line(page: Page, hash: str) -> Locator:
    return page.locator(f'#items tr[data-key="{hash}"]')


def field(page: Page, name: str) -> Locator:
    """One of the filters."""
    return page.locator(f'#filters [name="{name}"]')


def choose(page: Page, hash: str) -> None:
    line(page, hash).locator("[data-f=pick]").click()


def state(hub: Hub, hash: str) -> str:
    return str(hub.rows("SELECT status FROM hub_work_item WHERE work_item_hash = ?", hash)[0]["status"])


def test_filters_are_in_the_address_and_come_back_with_it(hub: Hub, queue: Callable[..., Page]) -> None:
    wanted, other = hub.enqueue("Sieve", "Fine", Mark="grain-of-gold"), hub.enqueue("Sieve", "Coarse", Mark="gravel")
    page = queue()
    field(page, "text").fill("grain-of")
    expect(line(page, wanted)).to_be_visible()
    expect(line(page, other)).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/queue\?text=grain-of$"))
    page.get_by_role("link", name="Clear").click()
    expect(line(page, other)).to_be_visible()
    field(page, "capability").select_option("Sieve")
    field(page, "action").select_option("Coarse")
    expect(line(page, wanted)).to_have_count(0)
    page.reload()
    expect(line(page, other)).to_be_visible()
    expect(field(page, "action")).to_have_value("Coarse")
    expect(line(page, wanted)).to_have_count(0)
    page.go_back()
    expect(line(page, wanted)).to_be_visible()
    field(page, "text").fill("nothing is called like this")
    expect(page.locator("#no-items")).to_have_text("Nothing in the queue matches.")


def test_states_that_share_a_column_are_told_apart(hub: Hub, queue: Callable[..., Page]) -> None:
    gone = hub.enqueue("Columns", "Canceled")
    hub.client.post(f"/Beacon/Work/{gone}/Cancel").raise_for_status()
    later = hub.client.post("/Beacon/Work/Enqueue", json={"Capability": "Columns", "DelayMs": 3_600_000}).json()["WorkItemHash"]
    page = queue()
    page.locator('#states [data-status="Canceled"]').click()
    expect(line(page, gone).locator(".pill")).to_have_text("Canceled")
    expect(page.locator("#items tbody .pill").filter(has_not_text="Canceled")).to_have_count(0)
    page.locator('#states [data-status="Delayed"]').click()
    expect(line(page, later).locator(".pill")).to_have_text("Delayed")
    page.locator('.state[data-bucket="Errored"] .state-bucket').click()
    expect(page).to_have_url(re.compile(r"\?bucket=Errored$"))
    expect(line(page, gone)).to_be_visible()
    expect(page.locator('.state[data-bucket="Errored"] .state-bucket')).to_have_attribute("aria-current", "true")


def test_pages_follow_each_other_without_a_reload(hub: Hub, queue: Callable[..., Page]) -> None:
    hub.enqueue_many(130, "Pages", "Turn")
    page = queue("?capability=Pages")
    page.evaluate("window.still = 'here'")
    rows = page.locator("#items tbody tr")
    page.locator("#items tbody tr").last.scroll_into_view_if_needed()
    expect(rows).to_have_count(130)
    assert page.evaluate("window.still") == "here"
    assert len(set(rows.evaluate_all("rows => rows.map(row => row.dataset.key)"))) == 130
    hub.enqueue("Pages", "Turn")
    expect(rows).to_have_count(131)


def test_it_is_live_without_a_reload(hub: Hub, queue: Callable[..., Page], start_beacon: Callable[..., Process]) -> None:
    page = queue("?capability=Drip")
    hash = hub.enqueue("Drip", "Process", DurationMs=10)
    expect(line(page, hash).locator(".pill")).to_have_text("Pending")
    lane = page.locator("#lanes li").filter(has_text="Drip")
    expect(lane).to_contain_text("1 queued")
    start_beacon("tap", "--provider", "Synthetic", "--synthetic-capability", "Drip")
    expect(line(page, hash).locator(".pill")).to_have_text("Complete")
    expect(line(page, hash).locator(".is-beacon")).to_have_text("tap")
    expect(lane).to_contain_text("nothing waits")


def test_many_are_canceled_and_each_outcome_is_true(hub: Hub, queue: Callable[..., Page]) -> None:
    one, two, ended = (hub.enqueue("Bulk", "Cancel", N=n) for n in range(3))
    page = queue("?capability=Bulk&action=Cancel")
    for hash in (one, two, ended):
        choose(page, hash)
    expect(page.locator("#bulk-count")).to_have_text("3 chosen")
    # Somebody else is faster: what the page believes of it is not what is true.
    hub.finish(ended)
    page.get_by_role("button", name="Cancel …").first.click()
    page.get_by_label("Why, for the history").fill("not needed")
    page.get_by_role("button", name="Cancel 3").click()
    expect(page.locator("#outcome-title")).to_have_text("2 canceled or told to end, 1 not.")
    expect(page.locator("#outcome-list li").first).to_contain_text("already ended")
    expect(page.locator("#bulk-count")).to_have_text("1 chosen")
    assert [state(hub, hash) for hash in (one, two, ended)] == ["Canceled", "Canceled", "Complete"]
    expect(line(page, one).locator(".note")).to_have_text("not needed")

    page.get_by_role("button", name="Choose none").click()
    choose(page, one)
    choose(page, two)
    page.get_by_role("button", name="Requeue").first.click()
    expect(page.locator("#outcome-title")).to_have_text("2 queued again.")
    assert [state(hub, hash) for hash in (one, two)] == ["Pending", "Pending"]


def test_by_keyboard_alone(hub: Hub, queue: Callable[..., Page]) -> None:
    low, high = hub.enqueue("Keys", "Press"), hub.enqueue("Keys", "Press")
    page = queue()
    page.keyboard.press("/")
    expect(field(page, "text")).to_be_focused()
    page.keyboard.type("Keys")
    expect(page.locator("#items tbody tr")).to_have_count(2)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    expect(line(page, high).locator("a")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(line(page, low).locator("a")).to_be_focused()
    page.keyboard.press("p")
    expect(page.locator("#ask-priority-value")).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    expect(line(page, low).locator(".is-priority")).to_have_text("7")
    assert hub.rows("SELECT priority FROM hub_work_item WHERE work_item_hash = ?", low)[0]["priority"] == 7
    expect(page.locator("#outcome-title")).to_be_focused()
    page.keyboard.press("a")
    expect(page.locator("#bulk-count")).to_have_text("2 chosen")
    page.keyboard.press("Escape")
    expect(page.locator("#bulk")).to_be_hidden()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()


def test_next_to_run_is_the_order_of_dispatch(hub: Hub, queue: Callable[..., Page]) -> None:
    first, second = hub.enqueue("Order", "Next"), hub.enqueue("Order", "Next")
    page = queue("?capability=Order")
    field(page, "order").select_option("next")
    expect(page.locator("#items tbody tr").first).to_have_attribute("data-key", first)
    choose(page, second)
    page.get_by_role("button", name="Move up").first.click()
    expect(page.locator("#notice-text")).to_contain_text("Moved up")
    page.get_by_role("button", name="Choose none").click()
    expect(page.locator("#items tbody tr").first).to_have_attribute("data-key", second)


def test_a_capability_is_paused_from_its_lane(hub: Hub, queue: Callable[..., Page]) -> None:
    hub.enqueue("Hush", "Quietly")
    page = queue()
    lane = page.locator("#lanes li").filter(has_text="Hush")
    lane.get_by_role("button", name="Pause capability Hush").click()
    expect(lane).to_contain_text("paused · 1 queued")
    assert hub.rows("SELECT capability FROM hub_pause WHERE capability = 'Hush'")
    lane.get_by_role("button", name="Resume capability Hush").click()
    expect(lane.get_by_role("button", name="Pause capability Hush")).to_be_visible()
    assert not hub.rows("SELECT capability FROM hub_pause WHERE capability = 'Hush'")


def test_a_dead_broker_leaves_the_list_and_says_so(hub: Hub, queue: Callable[..., Page], complaints: list[str]) -> None:
    hash = hub.enqueue("Outage", "Wait")
    page = queue("?capability=Outage")
    expect(line(page, hash)).to_be_visible()
    hub.redis.kill()
    expect(page.locator("#trouble-text")).to_have_text("Redis does not answer.")
    expect(line(page, hash)).to_be_visible()
    hub.redis.start()
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#live")).to_have_text("live")
    later = hub.enqueue("Outage", "Wait")
    expect(line(page, later)).to_be_visible()
    complaints[:] = [text for text in complaints if not OUTAGE.search(text)]


def test_a_small_screen(hub: Hub, queue: Callable[..., Page]) -> None:
    hash = hub.enqueue("Small", "Screen", Mark="a-word-that-is-much-longer-than-a-small-screen-is-wide-and-goes-on-and-on")
    page = queue("?capability=Small", viewport={"width": 360, "height": 740}, has_touch=True)
    choose(page, hash)
    expect(page.locator("#bulk")).to_be_visible()
    assert not scrolls_sideways(page)
    line(page, hash).locator("a").tap()
    expect(part(page, "Why")).to_contain_text("No beacon with the capability Small")
    assert not scrolls_sideways(page)
