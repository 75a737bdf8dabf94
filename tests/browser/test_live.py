"""The page stays true by itself, calmly, and says so when it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from playwright.sync_api import Page, Request, TimeoutError, expect

from tests.browser.home import bucket, pill, row, run
from tests.browser.hub import Hub
from tests.services.processes import Process, eventually

BURST = 500
#: Milliseconds in which a quiet page must not ask for anything.
QUIET = 2_500

#: Counts the list's repaints.
MEASURE = """
() => {
  const seen = (window.seen = { paints: 0, began: performance.now() });
  new MutationObserver(() => seen.paints++).observe(document.querySelector("#queue"), { subtree: true, childList: true, characterData: true });
}
"""


def test_it_goes_live_again_after_the_web_process_is_killed(hub: Hub, atlas: Process, page: Page, complaints: list[str]) -> None:
    hub.web.kill()
    expect(page.locator("#live")).to_have_text(re.compile("reconnecting, state of"))
    card = run(page, "echo while-you-were-away")
    expect(card.locator(".sent-output")).to_contain_text("Asking again with the same key")
    hub.web.start()
    expect(page.locator("#live")).to_have_text("live")
    expect(pill(card)).to_have_text("Complete")
    expect(pill(row(page, "while-you-were-away"))).to_have_text("Complete")
    assert len(hub.rows("SELECT 1 FROM hub_work_item WHERE settings LIKE '%while-you-were-away%'")) == 1
    complaints[:] = [text for text in complaints if not re.search("ERR_(CONNECTION|INCOMPLETE|EMPTY|SOCKET)|503", text)]


def test_it_reads_again_after_the_broker_was_emptied(hub: Hub, atlas: Process, page: Page) -> None:
    run(page, "echo before-the-flood")
    expect(pill(row(page, "before-the-flood"))).to_have_text("Complete")
    hub.redis.flush()
    hub.enqueue("Shell", Command="echo after-the-flood")
    expect(pill(row(page, "after-the-flood"))).to_have_text("Complete")
    expect(page.locator("#live")).to_have_text("live")


def test_what_others_ask_for_appears_by_itself(hub: Hub, page: Page, start_beacon: Callable[..., Process]) -> None:
    hub.enqueue("Haul", "Process", DurationMs=60_000, Mark="long-haul")
    line = row(page, "long-haul")
    expect(pill(line)).to_have_text("Pending")
    start_beacon("mule", "--provider", "Synthetic", "--synthetic-capability", "Haul", "--max-concurrent", "1", "--grace-seconds", "0")
    expect(pill(line)).to_have_text(re.compile(r"\d+ %"))
    expect(page.locator("#beacons li").filter(has_text="mule")).to_contain_text("Busy")
    expect(page.locator("#beacons li").filter(has_text="mule").locator(".beacon-slots")).to_have_text("1/1")
    expect(page.locator("#capabilities tbody tr").filter(has_text="Haul")).to_contain_text("Process")


def test_a_quiet_page_asks_for_nothing(page: Page, atlas: Process) -> None:
    card = run(page, "true")
    expect(pill(card)).to_have_text("Complete")
    # What has just happened is followed by a reading or two, each of a few requests; then by nothing.
    assert any(silent(page) for _ in range(8))


def silent(page: Page) -> bool:
    with suppress(TimeoutError):
        page.wait_for_event("request", timeout=QUIET)
        return False
    return True


def test_a_burst_leaves_the_page_responsive_and_right(hub: Hub, page: Page, start_beacon: Callable[..., Process]) -> None:
    start_beacon("hare", "--provider", "Synthetic", "--max-concurrent", "50")
    done = "SELECT count(*) AS n FROM hub_work_item WHERE status = 'Complete'"
    before = hub.rows(done)[0]["n"]
    expect(page.locator("#beacons .beacon-slots")).to_have_text("0/50")
    readings: list[Request] = []
    page.on("request", lambda request: "/Beacon/Queue" in request.url and readings.append(request))
    page.evaluate(MEASURE)
    page.locator("#command").focus()
    hub.enqueue_many(BURST, "Synthetic", "Process", DurationMs=1)
    page.keyboard.type("echo still here", delay=5)
    assert page.locator("#command").input_value() == "echo still here"
    eventually(lambda: hub.rows(done)[0]["n"] == before + BURST, within=60, describe="the burst's end")
    expect(bucket(page, "Completed")).to_have_text(f"{before + BURST:,}".replace(",", " "))
    expect(page.locator("#beacons .beacon-slots")).to_have_text("0/50")
    expect(page.locator("#items tbody tr")).to_have_count(50)
    seen = page.evaluate("({ ...window.seen, took: performance.now() - window.seen.began })")
    seconds = seen["took"] / 1000
    # Five a second, each at most two rounds of changes: what the events say, and what was read.
    assert seen["paints"] <= 5.5 * seconds + 5, seen
    # A reading follows 400 ms of quiet, of which a burst that trickles in on a busy machine has many.
    assert len(readings) <= 2.5 * seconds + 4


def test_the_list_stands_still_under_the_pointer(hub: Hub, page: Page, atlas: Process) -> None:
    run(page, "echo first")
    line = row(page, "echo first").first
    expect(pill(line)).to_have_text("Complete")
    line.hover()
    top = page.locator("#items tbody tr").first.get_attribute("data-key")
    hub.enqueue("Shell", Command="echo second")
    expect(page.locator("#newer")).to_have_text("1 newer: show")
    assert page.locator("#items tbody tr").first.get_attribute("data-key") == top
    page.locator("#newer").click()
    expect(row(page, "echo second")).to_be_visible()
    expect(page.locator("#newer")).to_be_hidden()


def test_a_bucket_narrows_the_list(hub: Hub, page: Page, start_beacon: Callable[..., Process]) -> None:
    start_beacon("sad", "--provider", "Synthetic")
    hash = hub.enqueue("Synthetic", "Process", DurationMs=5, FailRate=1, Mark="bound-to-fail")
    assert hub.ended(hash) == "Error"
    page.locator('.bucket[data-bucket="Errored"]').click()
    expect(page.locator("#items-name")).to_have_text("Errored")
    expect(row(page, "bound-to-fail").first.locator(".note")).to_contain_text("Synthetic failure")
    expect(page.locator("#items tbody .pill").filter(has_not_text=re.compile("Error|Canceled"))).to_have_count(0)
    assert page.url.endswith("/?bucket=Errored")
    page.reload()
    expect(row(page, "bound-to-fail").first).to_be_visible()
    page.go_back()
    expect(page.locator("#items-name")).to_have_text("Last items")
