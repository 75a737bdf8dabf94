"""Shell/Execute: any command of the machine, as the beacon's own user."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import IO, Any

from beacon.providers.contract import Action, Context, Outputs, ProviderError, Setting, TimedOut

#: Bytes kept of each of the two outputs; the command may write on, the rest is read and thrown away.
OUTPUT_LIMIT = 10 * 1024 * 1024
#: What goes into the log of a command that was killed, so that one sees where it hung.
TAIL = 4_000
#: How long to wait for the outputs to close after a kill. Only something that left the process group can hold them longer.
AFTER_KILL_SECONDS = 2.0


class Shell:
    """Runs `Command` with `Parameters` in a shell, in a process group of its own and in the attempt's work folder.

    A non-zero exit code is a completed attempt that says so. A command that is late or cancelled is killed with everything in its
    group and is a failed attempt. As with `$(...)`, it is done when its outputs are closed: a background process that holds them is waited for.
    """

    capability = "Shell"
    actions = (
        Action(
            "Execute",
            "Runs a command in the shell of the beacon's machine.",
            (
                Setting("Command", "String", "What the shell runs.", required=True),
                Setting("Parameters", "String", "Appended after a space; a list is quoted word by word."),
            ),
        ),
    )

    def __init__(self, output_limit: int = OUTPUT_LIMIT) -> None:
        self._limit = output_limit

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        """Raises: ProviderError without a command or when no process can be started, TimedOut, Cancelled."""
        if action != "Execute":
            raise ProviderError(f"Shell cannot {action}; it can Execute.")
        started = time.monotonic()
        process = _start(_command_line(settings), context)
        out, err = (_Capture(stream, self._limit) for stream in (process.stdout, process.stderr))
        with context.broken_off_by(lambda: _kill_group(process)):
            in_time = _wait(process, (out, err), context.remaining())
        if context.cancelled() or not in_time:
            for line in (*out.tail(), *err.tail()):
                context.log(line)
            context.check()
            raise TimedOut("The command was killed at its time limit (TimeoutMs), with all that it had started.")
        context.log(f"exit code {process.returncode} after {(time.monotonic() - started) * 1000:.0f} ms")
        return _outputs(out, err, process.returncode)


class _Capture(Thread):
    """Reads one output to its end, so that the command never blocks on a full pipe, and keeps the first `limit` bytes."""

    def __init__(self, stream: IO[bytes] | None, limit: int) -> None:
        super().__init__(daemon=True, name="shell-output")
        assert stream is not None
        self._stream = stream
        self._limit = limit
        self.kept = bytearray()
        self.truncated = False
        self.start()

    def run(self) -> None:
        with self._stream:
            while chunk := self._stream.read(65_536):
                room = self._limit - len(self.kept)
                self.kept += chunk[:room]
                self.truncated = self.truncated or len(chunk) > room

    def text(self) -> str:
        return self.kept.decode("utf-8", "replace")

    def tail(self) -> list[str]:
        return self.kept[-TAIL:].decode("utf-8", "replace").splitlines()


def _command_line(settings: dict[str, Any]) -> str:
    command, parameters = settings.get("Command"), settings.get("Parameters")
    if not isinstance(command, str) or not command.strip():
        raise ProviderError("Shell/Execute needs a Command.")
    if isinstance(parameters, list):
        parameters = shlex.join(str(word) for word in parameters)
    return f"{command} {parameters}" if parameters else command


def _start(command: str, context: Context) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S602 - running the operator's commands is what this provider is for
            command,
            shell=True,
            cwd=context.work_folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except (OSError, ValueError) as trouble:
        raise ProviderError(f"The command could not be started: {trouble}") from None


def _wait(process: subprocess.Popen[bytes], captures: tuple[_Capture, ...], limit: float | None) -> bool:
    """Whether the command ended within the limit; it is dead either way afterwards.

    The process is waited for last: until then, even dead, it keeps the number of its group from being given to somebody else.
    """
    end = None if limit is None else time.monotonic() + limit
    for capture in captures:
        capture.join(_left(end))
    if not any(capture.is_alive() for capture in captures) and _ended(process, _left(end)):
        return True
    _kill_group(process)
    process.wait()
    for capture in captures:
        capture.join(AFTER_KILL_SECONDS)
    return False


def _ended(process: subprocess.Popen[bytes], limit: float | None) -> bool:
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        return False
    return True


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is not None:
        return
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _outputs(out: _Capture, err: _Capture, exit_code: int) -> Outputs:
    text = out.text()
    outputs: Outputs = {"StdOut": text, "StdErr": err.text(), "ExitCode": exit_code, "Result": text}
    for name, capture in (("StdOutTruncated", out), ("StdErrTruncated", err)):
        if capture.truncated:
            outputs[name] = True
    return outputs
