"""Bring SQLite's log back into its file, away from the road of those who wait.

Left to itself SQLite does it at the end of the commit that happens to fill a thousand pages: about each fortieth command that comes alone
would wait for the disk. A checkpoint of another process keeps nobody waiting, neither who reads nor who writes.
"""

from __future__ import annotations

from tasks.kernel import Kernel


def checkpoint(kernel: Kernel) -> None:
    """Copy what is committed from the log into the file, as far as no reader still needs the old state. On a server: nothing to do."""
    if kernel.engine.dialect.name != "sqlite":
        return
    connection = kernel.engine.raw_connection()  # not one that begins transactions: a checkpoint is none
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    finally:
        connection.close()
