"""What takes too long is interrupted where it is; what does not listen ends with its process, and says where it hung."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from itertools import count

import pytest

from tasks.failures import Overtime
from tasks.overtime import limited
from tests.services.processes import Process

#: A flush of this process never comes here: the numbers only have to be far apart.
LONG, SHORT = 600.0, 0.05

#: Swallows what interrupts it, as bad code would.
DEAF = """
from tasks.overtime import limited
def hangs():
    while True:
        try:
            while True: pass
        except Exception: pass
with limited(0.05, 0.3): hangs()
"""


def spin() -> None:
    for _ in count():
        pass


def test_whatever_is_at_work_is_interrupted() -> None:
    with pytest.raises(Overtime), limited(SHORT, LONG):
        spin()


def test_afterwards_nothing_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(Overtime), limited(SHORT, LONG):
        spin()
    with limited(LONG, LONG):
        assert signal.getsignal(signal.SIGALRM) is not before
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_what_does_not_listen_ends_with_its_process_and_leaves_where_it_hung(launch: Callable[..., Process]) -> None:
    child = launch(sys.executable, "-c", DEAF)
    assert child.wait() == 1
    assert "in hangs" in child.output, child.output
