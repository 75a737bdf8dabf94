"""A command typed into the page runs on a beacon, and its rows are in SQL."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import Page, Request, Route, expect

from tests.browser.home import part, pill, row, run
from tests.browser.hub import Hub
from tests.services.processes import Process

ENQUEUE = "**/Beacon/Work/Enqueue"


def test_a_command_runs_on_a_beacon_and_its_rows_are_in_sql(hub: Hub, atlas: Process, page: Page) -> None:
    command = "echo hello-$((6 * 7)); echo oops >&2"
    card = run(page, command)
    expect(pill(card)).to_have_text("Complete")
    expect(card.locator("[data-f=note]")).to_contain_text("exit code 0")
    expect(card.locator(".sent-output")).to_contain_text("hello-42")

    line = row(page, "echo hello").first
    expect(pill(line)).to_have_text("Complete")
    expect(line.locator(".is-beacon")).to_have_text("atlas")
    line.click()
    expect(part(page, "StdOut")).to_have_text("hello-42")
    expect(part(page, "StdErr")).to_have_text("oops")
    expect(part(page, "Settings")).to_have_text(command)
    expect(part(page, "Events").locator("tbody td:nth-child(2)")).to_have_text(["enqueued", "dispatched", "completed"])
    expect(part(page, "Attempts").locator("tbody tr")).to_contain_text("Complete")

    hash = page.locator("#detail-hash").inner_text()
    (item,) = hub.rows("SELECT * FROM hub_work_item WHERE work_item_hash = ?", hash)
    assert (item["status"], item["capability"], json.loads(item["settings"])) == ("Complete", "Shell", {"Command": command})
    assert json.loads(item["result"])["Outputs"]["StdOut"] == "hello-42\n"
    events = hub.rows("SELECT event_type, from_status, to_status FROM hub_work_event WHERE work_item_hash = ? ORDER BY seq", hash)
    assert [tuple(event.values()) for event in events] == [
        ("enqueued", "", "Pending"),
        ("dispatched", "Pending", "Running"),
        ("completed", "Running", "Complete"),
    ]
    (attempt,) = hub.rows("SELECT * FROM hub_work_attempt WHERE work_item_hash = ?", hash)
    (beacon,) = hub.rows("SELECT beacon_id FROM hub_beacon WHERE name = 'atlas'")
    assert (attempt["outcome"], attempt["attempt_number"], attempt["beacon_id"]) == ("Complete", 1, beacon["beacon_id"])


def test_without_a_shell_beacon_the_page_says_how_to_start_one(hub: Hub, page: Page, start_beacon: Callable[..., Process]) -> None:
    start_beacon("librarian", "--provider", "Synthetic")
    expect(page.locator("#beacons")).to_contain_text("librarian")
    hint = page.locator("#run-hint .if-no-shell")
    expect(hint).to_contain_text("No online beacon offers Shell")
    expect(hint.locator("code")).to_have_text(f"ultravisor beacon --provider Shell --server {hub.url}")
    card = run(page, "echo patience")
    expect(pill(card)).to_have_text("Pending")
    expect(card.locator("[data-f=note]")).to_contain_text("Waits for a beacon")

    start_beacon("late", "--provider", "Shell")
    expect(pill(card)).to_have_text("Complete")
    expect(hint).to_be_hidden()
    expect(page.locator("#run-hint .if-shell")).to_contain_text("Runs on late")


def test_an_exit_code_is_seen_in_the_list(page: Page, atlas: Process) -> None:
    card = run(page, "echo to no avail; exit 3")
    expect(pill(card)).to_have_text("Complete")
    expect(card.locator("[data-f=note]")).to_contain_text("exit code 3")
    expect(row(page, "to no avail").first.locator(".note")).to_have_text("exit code 3")


def test_an_unknown_outcome_is_asked_again_under_the_same_key(hub: Hub, page: Page, atlas: Process, complaints: list[str]) -> None:
    keys: list[str] = []

    def lose_the_answer(route: Route, request: Request) -> None:
        keys.append(request.headers["idempotency-key"])
        if len(keys) > 2:
            route.continue_()
            return
        route.fetch()  # the hub hears it, and the page does not hear the hub
        unknown = {"Error": "No answer in time.", "Code": "outcome_unknown", "RequestID": "r"}
        route.fulfill(status=503, json=unknown)

    page.route(ENQUEUE, lose_the_answer)
    card = run(page, "echo only-once")
    expect(pill(card)).to_have_text("Complete")
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len(hub.rows("SELECT 1 FROM hub_work_item WHERE settings LIKE '%only-once%'")) == 1

    run(page, "echo another")
    expect(pill(page.locator(".sent-one").first)).to_have_text("Complete")
    assert len(set(keys)) == 2
    complaints[:] = [text for text in complaints if "503" not in text]


def test_a_refusal_is_shown_in_the_hubs_words_and_can_be_repeated(page: Page, atlas: Process, complaints: list[str]) -> None:
    refusal = {"Error": "The journal is full, nothing was accepted. Repeat later.", "Code": "overloaded", "RequestID": "r"}
    page.route(ENQUEUE, lambda route: route.fulfill(status=503, json=refusal), times=1)
    card = run(page, "echo later")
    expect(pill(card)).to_have_text("Not accepted")
    expect(card.locator(".sent-output")).to_have_text(refusal["Error"])
    card.get_by_role("button", name="Try again").click()
    expect(pill(card)).to_have_text("Complete")
    complaints[:] = [text for text in complaints if "503" not in text]


def test_an_empty_command_is_not_sent(page: Page) -> None:
    page.locator("#command").press("Enter")
    expect(page.locator("#run-error")).to_have_text("Type a command first.")
    expect(page.locator(".sent-one")).to_have_count(0)


def test_what_a_command_prints_is_text_and_never_markup(page: Page, atlas: Process, open_page: Callable[..., Page]) -> None:
    command = "echo '<img src=x onerror=alert(1)><script>alert(2)</script>'"
    card = run(page, command)
    expect(pill(card)).to_have_text("Complete")
    expect(card.locator(".sent-output")).to_contain_text("<script>alert(2)</script>")
    card.locator("a").click()
    expect(part(page, "StdOut")).to_contain_text("<img src=x")
    still = open_page(java_script_enabled=False)
    expect(row(still, "<script>alert(2)").first).to_be_visible()
    assert page.locator("img[src=x]").count() == still.locator("img[src=x]").count() == 0
