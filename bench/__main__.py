"""`python -m bench kernel` measures, `python -m bench --chaos` kills."""

from __future__ import annotations

import sys
from collections.abc import Sequence

USAGE = """\
What can be measured:
  kernel [--quick] [--json] [--write] [--only PART]   journal, flush, one process
  hub    [--quick] [--json] [--write] [--only PART]   the whole hub: items, beacons, lists
  runs   [--quick] [--json] [--write] [--only PART]   operations: batches, hashes, lists, a giant graph
  persistence [--quick] [--json] [--write]            foreign databases: reads, inserts, and the hub's rows in them
  --chaos [--kills N] [--seed N] ...                  processes killed under load, then an audit in SQL
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code of what was asked for; 2 when that is nothing we know."""
    match arguments:
        case ["kernel", *rest]:
            from bench import kernel

            return kernel.SUITE.main(rest)
        case ["hub", *rest]:
            from bench import hub

            return hub.SUITE.main(rest)
        case ["runs", *rest]:
            from bench import runs

            return runs.SUITE.main(rest)
        case ["persistence", *rest]:
            from bench import persistence

            return persistence.SUITE.main(rest)
        case ["--chaos", *rest]:
            from bench import chaos

            return chaos.main(rest)
        case []:
            print(USAGE, end="")
            return 0
        case _:
            print(USAGE, end="", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
