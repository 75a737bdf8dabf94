"""What every bench has in common: its parts, its words on the command line, and its section of docs/development/figures.md."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench import report
from bench.company import Company
from bench.figures import Row
from bench.machine import facts

#: Measures; True asks for seconds instead of minutes.
Measurement = Callable[[bool], list[Row]]

FIGURES = Path(__file__).parents[1] / "docs" / "development" / "figures.md"


@dataclass(frozen=True, slots=True)
class Suite:
    """One bench: `python -m bench <name>`. `how` tells in Markdown how its parts measure."""

    name: str
    title: str
    parts: Mapping[str, Measurement]
    how: str

    def main(self, arguments: Sequence[str]) -> int:
        """Exit code 0 whatever was measured: a figure that is missed is told in the table, not by the shell."""
        chosen = self._parser().parse_args(arguments)
        progress = Console(stderr=True)
        rows = []
        with Company() as company:
            for name in chosen.only or self.parts:
                progress.print(f"bench: {name}", highlight=False)
                rows += self.parts[name](chosen.quick)
        about = facts() | {"used by others meanwhile": company.told()}
        if chosen.json:
            print(report.as_json(about, rows))
        else:
            report.show(about, rows)
        if chosen.write:
            old = FIGURES.read_text() if FIGURES.exists() else ""
            FIGURES.write_text(report.with_section(old, report.Section(self.name, self.title, self.how), about, rows))
        return 0

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog=f"python -m bench {self.name}", description=self.title)
        parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; proves that it runs, its figures mean little")
        parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
        parser.add_argument("--write", action="store_true", help="keep the run as this bench's section of docs/development/figures.md")
        parser.add_argument("--only", choices=self.parts, action="append", help="this part alone; may be given several times")
        return parser
