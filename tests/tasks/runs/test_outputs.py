"""Large outputs lie in the content store, once; the engine reads them as if they had never left."""

from __future__ import annotations

from collections.abc import Callable

from schema.runs.commands import ForkRun
from tests.schema.runs.graphs import node, operation, wire
from tests.tasks.runs.conftest import House

BIG = operation(
    [
        node("a", "string-appender", InputString="x" * 5_000, OutputAddress="Operation.t"),
        node("b", "replace-string", SearchString="x", ReplaceString="y"),
        node("c", "value-input", OutputAddress="Operation.go"),
        node("d", "set-value", Value="{~D:TaskOutput.b.ReplacedString~}", ToAddress="Output.text"),
    ],
    [
        *("start.Out>a.Append", "a.Completed>b.Replace", "b.ReplaceComplete>c.RequestInput", "c.ValueInputComplete>d.Execute"),
        wire("a.AppendedString>b.InputString"),
    ],
)


def small(houses: Callable[..., House], url: str) -> House:
    return houses(url, UV_OUTPUT_STORE_THRESHOLD_BYTES="2000")


def refs(house: House) -> list[int]:
    """How often each content is referred to."""
    return sorted(row.refs for row in house.rows("SELECT refs FROM content_blob"))


def test_a_large_output_lies_in_the_store_and_is_read_from_there(houses: Callable[..., House], database_url: str) -> None:
    house = small(houses, database_url)
    run, other = house.started(BIG), house.start()
    stored = str(house.node(run, "b").stored)
    assert "5002" in stored
    assert "yyy" not in str(house.node(run, "b").outputs)
    assert refs(house) == [2, 2], "two runs, two contents"
    house.done(house.answer(run, "c", 1), house.answer(other, "c", 1))
    assert house.status(run) == "Complete"
    assert "y" * 5_000 in str(house.run(run).state)
    house.audit()


def test_a_fork_holds_what_it_refers_to(houses: Callable[..., House], sqlite_url: str) -> None:
    house = small(houses, sqlite_url)
    run = house.started(BIG)
    house.done(ForkRun(hub="h", run_hash=run, new_hash="run-fork", node_hash="d"))
    assert house.status("run-fork") == "Complete"
    assert "y" * 5_000 in str(house.run("run-fork").state)
    assert refs(house) == [2, 3], "what the last node wrote is the same, too"


def test_what_takes_the_place_of_a_large_output_lets_it_go(houses: Callable[..., House], sqlite_url: str) -> None:
    house = small(houses, sqlite_url)
    run = house.started(BIG)
    house.done(house.answer(run, "c", 1), house.retry(run, "b", ReplaceString=""))
    assert house.status(run) == "Waiting", "it asks again"
    assert house.node(run, "b").stored in (None, "null")
    assert refs(house) == [1, 1], "of the y the last node alone knows"
