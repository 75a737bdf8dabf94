"""The pages of runs: followed to their end, answered, tried again, forked and given up, without a reload."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser import runs
from tests.browser.home import scrolls_sideways
from tests.browser.hub import Hub
from tests.schema.runs.graphs import node, operation
from tests.services.processes import Process

ASK = operation(
    [
        node("ask", "value-input", OutputAddress="Output.word", PromptMessage="Which word?"),
        node("say", "template-string", Template="so it is {~D:Record.Output.word~}", Destination="Output.text"),
    ],
    ["start.Out>ask.RequestInput", "ask.ValueInputComplete>say.In"],
)
WORK = operation(
    [node("work", "beacon-dispatch", RemoteCapability="Toil", RemoteAction="Process", InputData={"DurationMs": 5})], ["start.Out>work.Trigger"]
)


def card(page: Page, hash: str) -> Locator:
    """A node of the drawn graph."""
    return page.locator(f'#graph .g-body[data-node="{hash}"]')


def show(page: Page, hash: str) -> None:
    page.locator(f'#node [data-node="{hash}"]').click()


def test_a_run_is_begun_in_the_browser_and_followed_to_its_end(
    hub: Hub, open_page: Callable[..., Page], start_beacon: Callable[..., Process]
) -> None:
    runs.keep(hub, WORK, Hash="toil", Name="Toil")
    page = open_page("/operations?text=toil")
    page.get_by_role("button", name="Run Toil").click()
    expect(page).to_have_url(re.compile("/runs/run-toil-"))
    expect(page.locator("#run-pill")).to_have_text("Running")
    expect(card(page, "start")).to_have_attribute("data-state", "Complete")
    expect(card(page, "work")).to_have_attribute("data-state", "Running")
    expect(page.locator('#gantt rect[data-node="work"][data-kind="wait"]')).to_be_visible()
    page.evaluate("window.still = 'here'")
    start_beacon("hand", "--provider", "Synthetic", "--synthetic-capability", "Toil")
    expect(page.locator("#run-pill")).to_have_text("Complete")
    expect(card(page, "work")).to_have_attribute("data-state", "Complete")
    expect(page.locator('#gantt rect[data-node="work"][data-kind="good"]')).to_be_visible()
    expect(page.locator("#history tbody tr").first).to_contain_text("ExecutionComplete")
    assert page.evaluate("window.still") == "here"
    hash = page.url.rpartition("/")[2]
    (row,) = hub.rows("SELECT status, operation_hash, revision, errors, stopped_at FROM runs_run WHERE run_hash = ?", hash)
    assert (row["status"], row["operation_hash"], row["revision"], row["errors"]) == ("Complete", "toil", 1, 0)
    assert row["stopped_at"] is not None
    events = hub.rows("SELECT event_type, node_hash FROM runs_event WHERE run_hash = ? ORDER BY seq", hash)
    assert [(event["event_type"], event["node_hash"]) for event in events] == [
        *(("ExecutionStart", ""), ("TaskComplete", "start"), ("TaskStart", "work"), ("TaskComplete", "work"), ("ExecutionComplete", "")),
    ]
    shown = page.locator("#history tbody tr td:nth-child(3)").all_inner_texts()
    assert shown == [event["event_type"] for event in reversed(events)]


def test_an_input_is_answered_on_the_page_of_its_run(hub: Hub, open_page: Callable[..., Page]) -> None:
    run = runs.begin(hub, runs.keep(hub, ASK, Hash="ask-there", Name="Ask"))
    page = open_page(f"/runs/{run}")
    expect(page.locator("#run-pill")).to_have_text("Waits for input")
    page.get_by_label("Which word?").fill("thunder")
    page.keyboard.press("Enter")
    expect(page.locator("#run-pill")).to_have_text("Complete")
    expect(page.locator("#asks")).to_be_hidden()
    expect(page.locator("#output")).to_contain_text("so it is thunder")
    (row,) = hub.rows("SELECT status, state FROM runs_run WHERE run_hash = ?", run)
    assert (row["status"], json.loads(row["state"])["Output"]) == ("Complete", {"word": "thunder", "text": "so it is thunder"})


def test_all_that_waits_is_on_one_page_and_goes_when_it_is_answered(hub: Hub, open_page: Callable[..., Page]) -> None:
    one = runs.begin(hub, runs.keep(hub, ASK, Hash="ask-one", Name="First question"))
    two = runs.begin(hub, runs.from_library(hub, "approve-and-write", Hash="ask-two", Name="Second question"), Text="a poem")
    page = open_page("/inputs")
    first, second = (page.locator(".input-one").filter(has_text=text) for text in ("First question", "Second question"))
    first.get_by_label("Which word?").fill("half a wo")
    expect(second).to_contain_text("Write “a poem”?")
    second.get_by_role("button", name="no", exact=True).click()
    expect(second).to_have_count(0)
    runs.comes_to(hub, two, "Complete")
    # What somebody was typing is still there.
    expect(first.get_by_label("Which word?")).to_have_value("half a wo")
    first.get_by_role("button", name="Force an error").click()
    page.get_by_role("textbox", name="Why, for the history").fill("nobody knows")
    page.get_by_role("button", name="Have it fail").click()
    expect(first).to_have_count(0)
    runs.comes_to(hub, one, "Failed")
    three = runs.begin(hub, "ask-one")
    expect(first).to_be_visible()
    hub.client.post(f"/Manifest/{three}/Abandon", json={}).raise_for_status()
    expect(first).to_have_count(0)


def test_what_failed_is_tried_again_with_other_settings_and_forked(hub: Hub, open_page: Callable[..., Page]) -> None:
    sum = operation([node("sum", "expression-solver", Expression="1 / n", Destination="Output.result")], ["start.Out>sum.In"])
    run = runs.begin(hub, runs.keep(hub, sum, Hash="sum", Name="Sum", InitialOperationState={"n": 0}))
    page = open_page(f"/runs/{run}")
    expect(page.locator("#run-pill")).to_have_text("Failed")
    expect(card(page, "sum")).to_have_attribute("data-state", "Error")
    show(page, "sum")
    expect(page.locator('#node [data-part="Error"]')).to_be_visible()
    page.locator("#node").get_by_role("button", name="Retry …").click()
    field = page.locator("#ask-again-settings")
    field.fill("[1]")
    page.locator("#ask-again-yes").click()
    expect(page.locator("#ask-again-error")).to_contain_text("JSON object")
    field.fill('{"Expression": "6 * 7"}')
    page.locator("#ask-again-yes").click()
    expect(page.locator("#run-pill")).to_have_text("Complete")
    expect(page.locator("#output")).to_contain_text("42")
    page.locator("#node").get_by_role("button", name="Fork …").click()
    field.fill('{"Expression": "6 * 9"}')
    page.locator("#ask-again-yes").click()
    expect(page).not_to_have_url(re.compile(re.escape(run)))
    expect(page.locator("#run-pill")).to_have_text("Complete")
    expect(page.locator("#output")).to_contain_text("54")
    expect(page.locator("#run-facts")).to_contain_text("began by fork")


def test_it_is_abandoned_with_a_reason(hub: Hub, open_page: Callable[..., Page]) -> None:
    run = runs.begin(hub, runs.keep(hub, ASK, Hash="ask-nobody", Name="Ask"))
    page = open_page(f"/runs/{run}")
    page.get_by_role("button", name="Abandon …").click()
    page.get_by_role("textbox", name="Why, for the history").fill("changed my mind")
    page.get_by_role("button", name="Abandon it").click()
    expect(page.locator("#run-pill")).to_have_text("Abandoned")
    expect(page.locator("#asks")).to_be_hidden()
    assert runs.status(hub, run) == "Abandoned"


def test_a_large_output_is_saved_whole(hub: Hub, open_page: Callable[..., Page], tmp_path: Path) -> None:
    large = operation([node("say", "template-string", Template="{~D:Record.Operation.text~}" * 8)], ["start.Out>say.In"])
    text = "0123456789abcdef" * 10_000
    run = runs.begin(hub, runs.keep(hub, large, Hash="large", Name="Large"), text=text)
    page = open_page(f"/runs/{run}")
    show(page, "say")
    output = page.locator('#node [data-output="Result"]')
    expect(output).to_contain_text("too large to show")
    with page.expect_download() as saved:
        output.get_by_role("link", name="Save").click()
    saved.value.save_as(tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == text * 8


def test_the_chart_is_zoomed_and_moved_by_keys(hub: Hub, open_page: Callable[..., Page]) -> None:
    run = runs.begin(hub, runs.keep(hub, ASK, Hash="ask-chart", Name="Ask"))
    page = open_page(f"/runs/{run}")
    bar = page.locator('#gantt rect[data-node="start"]').first
    expect(bar).to_be_visible()
    page.get_by_role("button", name="Zoom in").last.click()
    page.locator("#gantt").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator('#gantt text:not([data-node]):text-is("start")')).to_have_count(0)
    page.keyboard.press("0")
    expect(page.locator('#gantt text:not([data-node]):text-is("start")')).to_have_count(1)
    page.locator('#gantt text[data-node="ask"]').click()
    expect(page.locator("#node-title")).to_have_text("ask")
    expect(card(page, "ask")).to_have_attribute("data-picked", "true")


def test_runs_are_narrowed_and_the_address_keeps_it(hub: Hub, open_page: Callable[..., Page]) -> None:
    waits = runs.begin(hub, runs.keep(hub, ASK, Hash="ask-list", Name="Ask in the list"))
    page = open_page("/runs")
    row = page.locator(f'#runs tr[data-key="{waits}"]')
    expect(row).to_contain_text("asks: Which word?")
    page.get_by_label("State").select_option("Complete")
    expect(row).to_have_count(0)
    page.get_by_label("State").select_option("Waiting")
    page.locator('[name="operation"]').fill("ask-list")
    expect(page).to_have_url(re.compile(r"\?status=Waiting&operation=ask-list$"))
    expect(page.locator("#runs tbody tr")).to_have_count(1)
    page.reload()
    expect(row).to_be_visible()
    hub.client.post(f"/PendingInput/{waits}", json={"NodeHash": "ask", "Value": "x"}).raise_for_status()
    expect(page.locator("#none")).to_have_text("No run matches.")
    page.get_by_role("link", name="Clear").click()
    expect(row.locator(".pill")).to_have_text("Complete")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/runs/run-"))


def test_a_run_that_nobody_knows_is_said_to_be_unknown(open_page: Callable[..., Page], complaints: list[str]) -> None:
    page = open_page("/runs/run-nobody-knows")
    expect(page.locator("#run-title")).to_have_text("Cannot be shown")
    expect(page.locator("#run-facts")).to_contain_text("There is no run")
    complaints[:] = [text for text in complaints if "404" not in text]


def test_it_fits_a_small_screen(hub: Hub, open_page: Callable[..., Page]) -> None:
    run = runs.begin(hub, runs.from_library(hub, "square-numbers"))
    for path in (f"/runs/{run}", "/runs", "/inputs"):
        page = open_page(path, viewport={"width": 360, "height": 740})
        expect(page.locator("#live")).to_have_text("live")
        assert not scrolls_sideways(page), path
