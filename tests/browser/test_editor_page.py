"""The editor: an operation is drawn, saved and run, and nobody's work is overwritten unasked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser import runs
from tests.browser.home import scrolls_sideways
from tests.browser.hub import Hub
from tests.schema.runs.graphs import node, operation

PAIR = operation(
    [
        node("sum", "expression-solver", Expression="6 * 7") | {"Title": "Sum", "X": 340, "Y": 120},
        node("say", "template-string", Destination="Output.text") | {"Title": "Say", "X": 640, "Y": 120},
    ],
    ["start.Out>sum.In"],
)


def card(page: Page, hash: str) -> Locator:
    return page.locator(f'#graph .g-body[data-node="{hash}"]')


def take(page: Page, words: str) -> None:
    """Add a task as a keyboard does it."""
    page.locator("#graph").focus()
    page.keyboard.press("a")
    page.keyboard.type(words)
    page.keyboard.press("Enter")


def saved(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#notice-text")).to_contain_text("Saved as revision")
    expect(page.locator("#standing")).to_have_attribute("data-dirty", "false")


def stored(hub: Hub, hash: str) -> dict[str, Any]:
    """The newest revision, as the rows have it."""
    question = "SELECT document FROM runs_revision JOIN runs_operation ON runs_operation.revision_id = runs_revision.id WHERE hash = ?"
    document: dict[str, Any] = json.loads(hub.rows(question, hash)[0]["document"])
    return document


def test_an_operation_is_drawn_saved_and_run(hub: Hub, open_page: Callable[..., Page]) -> None:
    page = open_page("/operations/new")
    expect(card(page, "start")).to_be_visible()
    page.get_by_label("Name of the operation").fill("Drawn here")
    card(page, "start").click()
    take(page, "template")
    expect(card(page, "template-string")).to_be_visible()
    page.locator('[name="setting-Template"]').fill("drawn and run")
    page.locator('[name="setting-Destination"]').fill("Output.text")
    take(page, "end")
    expect(page.locator("#found-of")).to_have_text("sound")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page).to_have_url(re.compile("/runs/run-OPR-"))
    expect(page.locator("#run-pill")).to_have_text("Complete")
    expect(page.locator("#output")).to_contain_text("drawn and run")
    (row,) = hub.rows("SELECT hash, name, revision FROM runs_operation WHERE name = 'Drawn here'")
    document = stored(hub, row["hash"])
    assert row["revision"] == 1
    assert [one["Hash"] for one in document["Graph"]["Nodes"]] == ["start", "template-string", "end"]
    ends = [(one["SourcePortHash"], one["TargetPortHash"]) for one in document["Graph"]["Connections"]]
    assert ends == [("start-eo-Out", "template-string-ei-In"), ("template-string-eo-Complete", "end-ei-In")]
    (run,) = hub.rows("SELECT status, revision FROM runs_run WHERE operation_hash = ?", row["hash"])
    assert run == {"status": "Complete", "revision": 1}


def test_ports_are_connected_with_the_pointer_and_values_by_the_form(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, PAIR, Hash="pair", Name="Pair")
    page = open_page("/operations/pair")
    port = page.locator('[data-port="sum-eo-Complete"]')
    expect(port).to_be_visible()
    port.hover()
    page.mouse.down()
    page.locator('[data-port="say-ei-In"]').hover()
    page.mouse.up()
    expect(page.locator("#graph-of")).to_have_text("3 nodes, 2 connections")
    card(page, "say").click()
    page.get_by_label("Setting", exact=True).select_option("Template")
    page.get_by_label("Value", exact=True).select_option(label="Sum, Result")
    page.get_by_role("button", name="Connect").click()
    expect(page.locator(".editor-wire")).to_contain_text("Template comes from Sum, Result")
    saved(page)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#output")).to_contain_text("42")


def test_what_was_done_is_undone_and_done_again(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, PAIR, Hash="undo", Name="Undo")
    page = open_page("/operations/undo")
    card(page, "say").click()
    page.keyboard.press("Delete")
    expect(card(page, "say")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(card(page, "say")).to_be_visible()
    expect(page.locator("#standing")).to_have_attribute("data-dirty", "false")
    page.keyboard.press("Control+y")
    expect(card(page, "say")).to_have_count(0)
    expect(page.locator("#standing")).to_contain_text("not saved")
    page.locator("#graph").focus()
    page.keyboard.press("l")
    saved(page)
    assert [one["Hash"] for one in stored(hub, "undo")["Graph"]["Nodes"]] == ["start", "sum"]


def test_findings_stand_beside_their_nodes_while_it_is_drawn(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, PAIR, Hash="found", Name="Found")
    page = open_page("/operations/found")
    expect(page.locator("#found")).to_contain_text("Say: Template is needed.")
    page.locator("#found button").filter(has_text="Template is needed").click()
    expect(page.locator("#panel-title")).to_have_text("Say")
    page.locator('[name="setting-Template"]').fill("word")
    page.locator('[name="title"]').fill("Speak")
    page.keyboard.press("Tab")
    expect(page.locator("#found")).not_to_contain_text("Template is needed")
    expect(page.locator("#found")).to_contain_text("Speak: No path leads here from a start node.")
    page.get_by_label("Lead Complete to").focus()
    page.get_by_role("button", name="Operation", exact=True).click()
    page.locator('#panel [data-node="sum"]').click()
    page.get_by_label("Lead Complete to").select_option(label="Speak, In")
    expect(page.locator("#found-of")).to_have_text("sound")


def test_what_somebody_else_has_saved_is_not_overwritten_unasked(hub: Hub, open_page: Callable[..., Page], complaints: list[str]) -> None:
    runs.keep(hub, PAIR, Hash="both", Name="Both")
    page = open_page("/operations/both")
    expect(page.locator("#standing")).to_contain_text("revision 1")
    page.get_by_label("Name of the operation").fill("Mine")
    hub.client.put("/Operation/both", json={"Name": "Theirs"}).raise_for_status()
    expect(page.locator("#news-text")).to_contain_text("revision 2")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#ask-stale-text")).to_contain_text("You began with revision 1; meanwhile revision 2 was saved.")
    page.get_by_role("button", name="Back to the sheet").click()
    assert stored(hub, "both")["Name"] == "Theirs"
    expect(page.get_by_label("Name of the operation")).to_have_value("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save mine over theirs").click()
    expect(page.locator("#standing")).to_contain_text("revision 3 · saved")
    assert stored(hub, "both")["Name"] == "Mine"
    # The browser itself says of each answer 412 that it was one.
    assert all("412" in text for text in complaints)
    complaints.clear()


def test_it_fits_a_small_screen_and_is_worked_by_its_forms(hub: Hub, open_page: Callable[..., Page]) -> None:
    runs.keep(hub, PAIR, Hash="small", Name="Small")
    page = open_page("/operations/small", viewport={"width": 360, "height": 740})
    page.locator('#panel [data-node="sum"]').click()
    expect(page.locator("#panel-title")).to_have_text("Sum")
    assert not scrolls_sideways(page)
    page.locator('[name="setting-Expression"]').fill("1 + 1")
    page.locator('[name="title"]').focus()
    saved(page)
    assert stored(hub, "small")["Graph"]["Nodes"][1]["Data"]["Expression"] == "1 + 1"
