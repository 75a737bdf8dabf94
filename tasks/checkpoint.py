"""Bring SQLite's log back into its file, away from the road of those who wait.

Left to itself SQLite does it at the end of the commit that happens to fill a thousand pages: about each fortieth command that comes alone
would wait for the disk. A checkpoint of another process keeps nobody waiting, neither who reads nor who writes. But the log begins anew
only when a writer finds all of it copied, and where each few milliseconds somebody commits, that never happens by itself. So a log that has
become long is copied to its end while writers wait: for the little that came during the last copy, not for the whole.
"""

from __future__ import annotations

from typing import Any

from tasks.kernel import Kernel
from tasks.unit import LOCK_MS

#: Pages of the log (64 MB) from which on it must come to its end, once in some hundred lone commands.
LONG_PAGES = 16_000
#: Copies that keep nobody waiting, each of what came during the one before: the last leaves some ten pages.
COPIES = 2
#: Milliseconds that the copy to the end waits for whoever is writing, and for readers of an old state, who then go on as they are.
PATIENCE_MS = 50


def checkpoint(kernel: Kernel) -> None:
    """Copy what is committed from the log into the file, as far as no reader still needs the old state. On a server: nothing to do."""
    if kernel.engine.dialect.name != "sqlite":
        return
    connection = kernel.engine.raw_connection()  # not one that begins transactions: a checkpoint is none
    try:
        cursor = connection.cursor()
        for _ in range(COPIES):
            if _copy(cursor, "PASSIVE") < LONG_PAGES:
                return
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
        _copy(cursor, "FULL")
        cursor.execute(f"PRAGMA busy_timeout={LOCK_MS}")
    finally:
        connection.close()


def _copy(cursor: Any, mode: str) -> int:
    """Returns how many pages the log has."""
    ((_, pages, _),) = cursor.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
    return int(pages)
