"""The kill harness: a whole hub under load, one of its processes killed, stopped or emptied each second, and an auditor who reads SQL only.

`python -m bench --chaos` runs 1 000 kills, `script/test` a shorter drill through tests/journeys/test_chaos.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom

from rich.console import Console

from bench.chaos.drill import DrillFailed, run
from bench.chaos.plan import Plan
from bench.chaos.report import Report

__all__ = ["DrillFailed", "Plan", "Report", "main", "run"]


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when every law held."""
    parser = argparse.ArgumentParser(prog="python -m bench --chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000, help="SIGKILLs; pauses, FLUSHALLs and orderly stops come on top")
    parser.add_argument("--items", type=int, help="work items, by default 50 for each kill")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="deals blows and items; by default a new one")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds from one blow to the next; 8 shows how long each one takes to mend")
    parser.add_argument("--database", default="", help="SQLAlchemy URL of an empty database, by default SQLite in a temporary folder")
    parser.add_argument("--folder", type=Path, help="an empty folder for all data, kept; by default a temporary one that is kept on failure")
    chosen = parser.parse_args(arguments)
    items = chosen.items or 50 * chosen.kills
    plan = Plan(seed=chosen.seed, kills=chosen.kills, items=items, pace=chosen.pace, database=chosen.database, folder=chosen.folder)
    console = Console()
    report = run(plan, lambda text: console.print(f"chaos: {text}", highlight=False))
    report.show(console)
    return 0 if report.ok else 1
