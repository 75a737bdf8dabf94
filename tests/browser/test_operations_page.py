"""The operations' page: finding one, running it, bringing one in and taking one out."""

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

SAY = operation([node("say", "template-string", Template="word", Destination="Output.text")], ["start.Out>say.In"])


def line(page: Page, hash: str) -> Locator:
    return page.locator(f'#operations tr[data-key="{hash}"]')


def test_one_is_looked_for_and_the_address_keeps_it(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, SAY, Hash="look-1", Name="Needle", Tags=["haystack"])
    runs.keep(hub, SAY, Hash="look-2", Name="Straw")
    page = open_page("/operations")
    expect(line(page, "look-2")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("HAYST")
    expect(line(page, "look-2")).to_have_count(0)
    expect(line(page, "look-1")).to_contain_text("Needle")
    page.reload()
    expect(line(page, "look-1")).to_be_visible()
    expect(line(page, "look-2")).to_have_count(0)
    page.get_by_role("searchbox").fill("nobody has that")
    expect(page.locator("#none-text")).to_have_text("No operation matches.")


def test_it_is_run_and_its_newest_runs_come_by_themselves(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, SAY, Hash="often", Name="Often")
    page = open_page("/operations?text=often")
    expect(line(page, "often")).to_contain_text("never run")
    page.evaluate("window.still = 'here'")
    run = runs.begin(hub, "often")
    expect(line(page, "often").locator(".runs-dots a")).to_have_attribute("href", f"/runs/{run}")
    expect(line(page, "often").locator(".runs-dots")).to_contain_text("Complete")
    assert page.evaluate("window.still") == "here"
    line(page, "often").get_by_role("button", name="Run Often").click()
    expect(page).to_have_url(re.compile("/runs/run-often-"))
    expect(page.locator("#run-pill")).to_have_text("Complete")


def test_it_is_run_with_parameters_and_what_is_no_json_is_said(hub: Hub, open_page: Callable[..., Page]) -> None:
    echo = operation([node("say", "template-string", Template="{~D:Record.Operation.word~}", Destination="Output.text")], ["start.Out>say.In"])
    runs.keep(hub, echo, Hash="echo", Name="Echo", InitialOperationState={"word": "nothing"})
    page = open_page("/operations?text=echo")
    line(page, "echo").locator("[data-act=runWith]").click()
    field = page.locator("#ask-run-parameters")
    expect(field).to_have_value(re.compile("nothing"))
    field.fill("{ no")
    page.get_by_role("button", name="Run it").click()
    expect(page.locator("#ask-run-error")).to_contain_text("This is no JSON")
    field.fill('{"word": "thunder"}')
    page.get_by_role("button", name="Run it").click()
    expect(page.locator("#output")).to_contain_text("thunder")


def test_the_audit_is_a_badge(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, {"Hash": "faulty", "Name": "Faulty", "Graph": {"Nodes": [{"Hash": "x", "Type": "nobody-knows"}], "Connections": []}})
    page = open_page("/operations?text=faulty")
    expect(line(page, "faulty").locator(".is-audit")).to_have_text("2 errors, 1 warning")


def test_one_is_added_from_the_library(hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page("/operations")
    page.get_by_role("button", name="From the library").click()
    page.get_by_label("Look in the library").fill("lots")
    page.locator("#library-entries button").click()
    expect(page.locator("#library-name")).to_have_text("Draw lots")
    expect(page.locator("#library-preview rect")).to_have_count(5)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(line(page, "draw-lots")).to_be_visible()
    # Once more: what is there is replaced only by somebody who says so.
    page.get_by_role("button", name="From the library").click()
    page.locator("#library-entries button").filter(has_text="Draw lots").click()
    expect(page.locator("#library-name")).to_have_text("Draw lots")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Add a copy").click()
    expect(page.locator("#operations")).to_contain_text("Draw lots (copy)")
    assert hub.rows("SELECT revision FROM runs_operation WHERE hash = 'draw-lots'") == [{"revision": 1}]


def test_one_leaves_as_a_file_and_comes_back(hub: Hub, open_page: Callable[..., Page], tmp_path: Path) -> None:
    runs.keep(hub, SAY, Hash="traveller", Name="Traveller")
    page = open_page("/operations?text=traveller")
    with page.expect_download() as saved:
        line(page, "traveller").locator("[data-act=export]").click()
    file = tmp_path / "traveller.json"
    saved.value.save_as(file)
    assert json.loads(file.read_text())["Graph"]["Nodes"] == SAY["Graph"]["Nodes"]
    line(page, "traveller").locator("[data-act=delete]").click()
    page.get_by_role("button", name="Delete it").click()
    expect(line(page, "traveller")).to_have_count(0)
    page.locator("#import-file").set_input_files(file)
    expect(line(page, "traveller")).to_be_visible()
    (bad := tmp_path / "bad.json").write_text('{"Name": "no graph"}')
    page.locator("#import-file").set_input_files(bad)
    expect(page.locator("#notice-text")).to_contain_text("holds no operation")


def test_pages_follow_each_other_and_it_fits_a_small_screen(hub: Hub, open_page: Callable[..., Page]) -> None:
    for number in range(53):
        runs.keep(hub, SAY, Hash=f"many-{number:02d}", Name=f"One of many {number:02d}")
    page = open_page("/operations?text=One of many", viewport={"width": 360, "height": 740})
    rows = page.locator("#operations tbody tr")
    expect(rows).to_have_count(50)
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(53)
    expect(page.locator("#more")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(line(page, "many-01").locator("a").first).to_be_focused()
