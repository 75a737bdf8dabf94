"""`python -m bench kernel`: the figures of DESIGN section 9, one table, ratios within one run."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from bench import drain, edge, latency, memory, reads, report, work
from bench.company import Company
from bench.figures import Row
from bench.machine import facts
from bench.rig import rig, settle

Measurement = Callable[[bool], list[Row]]

FIGURES = Path(__file__).parents[1] / "docs" / "development" / "figures.md"


def edge_and_memory(quick: bool) -> list[Row]:
    """One whole hub, as `ultravisor up` runs it."""
    with rig("worker", "beat", "flower", "web") as hub:
        edge.drive(hub, 0.2)
        settle(1.0)
        idle = hub.resident()
        rows = edge.measure(hub, quick)
        return rows + memory.rows(idle, hub.resident())


PARTS: dict[str, Measurement] = {
    "drain": drain.measure,
    "latency": latency.measure,
    "edge": edge_and_memory,
    "work": work.measure,
    "reads": reads.measure,
}


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 whatever was measured: a figure that is missed is told in the table, not by the shell."""
    parser = argparse.ArgumentParser(prog="python -m bench kernel", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; proves that it runs, its figures mean little")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--write", action="store_true", help="keep the run as docs/development/figures.md")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given several times")
    chosen = parser.parse_args(arguments)
    progress = Console(stderr=True)
    rows = []
    with Company() as company:
        for name in chosen.only or PARTS:
            progress.print(f"bench: {name}", highlight=False)
            rows += PARTS[name](chosen.quick)
    about = facts() | {"used by others meanwhile": company.told()}
    if chosen.json:
        print(report.as_json(about, rows))
    else:
        report.show(about, rows)
    if chosen.write:
        FIGURES.write_text(report.as_page(about, rows))
    return 0
