from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from beacon.context import WorkContext
from beacon.providers import Cancelled, ProviderError, TimedOut
from beacon.providers.shell import OUTPUT_LIMIT, Shell
from tests.beacon.conftest import MakeContext


class Fifo:
    """A named pipe that says when the last process holding it is gone: no process numbers, no waiting in the dark."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self.handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self, event: int, seconds: float = 10) -> None:
        poll = select.poll()
        poll.register(self.handle, event)
        assert any(happened & event for _, happened in poll.poll(seconds * 1000)), "the pipe stayed silent"

    def wait_ready(self) -> None:
        self.read(select.POLLIN)
        os.read(self.handle, 100)

    def wait_released(self) -> None:
        self.read(select.POLLHUP)


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    made = Fifo(tmp_path / "fifo")
    yield made
    os.close(made.handle)


def run(context: WorkContext, command: str, **settings: Any) -> dict[str, Any]:
    return Shell().execute("Execute", {"Command": command, **settings}, context)


def test_outputs_and_exit_code_come_back(make_context: MakeContext) -> None:
    context = make_context()
    outputs = run(context, "echo out; echo err >&2")
    assert outputs == {"StdOut": "out\n", "StdErr": "err\n", "ExitCode": 0, "Result": "out\n"}
    assert context.lines()[0].startswith("exit code 0 after ")


def test_a_command_that_fails_is_a_result(make_context: MakeContext) -> None:
    assert run(make_context(), "echo no >&2; exit 7") == {"StdOut": "", "StdErr": "no\n", "ExitCode": 7, "Result": ""}
    assert run(make_context(), "kill -9 $$")["ExitCode"] == -signal.SIGKILL
    assert run(make_context(), "no-such-program-anywhere")["ExitCode"] == 127


@pytest.mark.parametrize(
    ("parameters", "said"),
    [("a  b", "a b\n"), (["a  b", "$HOME"], "a  b $HOME\n"), ("", "\n"), (None, "\n")],
)
def test_parameters_follow_the_command(make_context: MakeContext, parameters: object, said: str) -> None:
    assert run(make_context(), "echo", Parameters=parameters)["StdOut"] == said


@pytest.mark.parametrize("command", [None, "", "  ", 5, ["ls"]])
def test_without_a_command_it_fails(make_context: MakeContext, command: Any) -> None:
    with pytest.raises(ProviderError, match="needs a Command"):
        run(make_context(), command)


def test_what_cannot_be_started_fails(make_context: MakeContext) -> None:
    with pytest.raises(ProviderError, match="could not be started"):
        run(make_context(), "echo \0")
    with pytest.raises(ProviderError, match="cannot Fly"):
        Shell().execute("Fly", {"Command": "true"}, make_context())


def test_commands_run_in_a_folder_that_goes_with_the_attempt(make_context: MakeContext) -> None:
    context = make_context()
    folder = Path(run(context, "touch here; pwd")["StdOut"].strip())
    assert folder == context.work_folder.resolve()
    assert (folder / "here").exists()
    context.clean_up()
    assert not folder.exists()


def test_standard_input_is_empty(make_context: MakeContext) -> None:
    assert run(make_context(), "cat")["StdOut"] == ""


def test_bytes_that_are_no_text_are_replaced(make_context: MakeContext) -> None:
    assert run(make_context(), r"printf 'a\377b'")["StdOut"] == "a�b"


def test_each_output_is_bounded_and_the_command_runs_on(make_context: MakeContext) -> None:
    outputs = Shell(output_limit=1_000).execute("Execute", {"Command": "yes | head -c 300000; echo end >&2; exit 3"}, make_context())
    assert (len(outputs["StdOut"]), outputs["StdOutTruncated"], outputs["StdErr"], outputs["ExitCode"]) == (1_000, True, "end\n", 3)
    assert "StdErrTruncated" not in outputs


def test_the_usual_bound_is_ten_megabytes(make_context: MakeContext) -> None:
    outputs = run(make_context(), "head -c 11000000 /dev/zero | tr '\\0' x")
    assert (OUTPUT_LIMIT, len(outputs["StdOut"]), outputs["StdOutTruncated"]) == (10_485_760, 10_485_760, True)


def test_a_late_command_is_killed_with_its_grandchildren(make_context: MakeContext, fifo: Fifo) -> None:
    context = make_context(timeout_ms=400)
    with pytest.raises(TimedOut):
        run(context, f"echo hangs; (sh -c 'sleep 300' & sleep 300) 3>{fifo.path} & sleep 300 3>{fifo.path}")
    fifo.wait_released()
    assert context.lines() == ["hangs"]


def test_a_late_background_process_is_killed_though_its_parent_is_gone(make_context: MakeContext, fifo: Fifo) -> None:
    with pytest.raises(TimedOut):
        run(make_context(timeout_ms=400), f"sleep 300 3>{fifo.path} &")
    fifo.wait_released()


def test_a_late_command_that_closed_its_outputs_is_killed(make_context: MakeContext, fifo: Fifo) -> None:
    with pytest.raises(TimedOut):
        run(make_context(timeout_ms=400), f"exec >&- 2>&-; sleep 300 3>{fifo.path}")
    fifo.wait_released()


def test_a_background_process_that_holds_no_output_is_left_alone(make_context: MakeContext) -> None:
    outputs = run(make_context(), "sleep 300 >/dev/null 2>&1 & echo $!")
    os.kill(int(outputs["StdOut"]), signal.SIGKILL)  # it lives: no ProcessLookupError


def test_cancelling_kills_the_whole_group_at_once(make_context: MakeContext, fifo: Fifo) -> None:
    context, raised = make_context(), []

    def work() -> None:
        with pytest.raises(Cancelled) as caught:
            run(context, f"(sleep 300 & sleep 300) 3>{fifo.path} & echo ready >{fifo.path}; sleep 300")
        raised.append(caught.value)

    worker = Thread(target=work)
    worker.start()
    fifo.wait_ready()
    context.cancel()
    worker.join(10)
    assert [str(error) for error in raised] == ["The work was cancelled."]
    fifo.wait_released()


def test_what_was_cancelled_before_it_began_does_not_last(make_context: MakeContext) -> None:
    context = make_context()
    context.cancel()
    with pytest.raises(Cancelled):
        run(context, "sleep 300")
