"""`python tether.py PARENT SIGNAL COMMAND...`: becomes COMMAND, which gets SIGNAL when PARENT dies, however that happens.

A program of its own and not a `preexec_fn`: a child of a process with threads may do next to nothing before it runs a program.
Where the system knows no such promise, what is left over is ended by the next `ultravisor up`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def tethered(command: list[str], by: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command line of `command` on a tether to this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(by)), *command]


def main() -> None:
    parent, number, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number))
    if os.getppid() == int(parent):  # else it died before the promise was made
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted here


if __name__ == "__main__":
    main()
