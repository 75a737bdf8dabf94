"""The control database: whether it answers, how quickly, and whether it is at the schema of this release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from schema.settings import Settings
from ultravisor import database
from ultravisor.doctor.finding import Finding, ok, problem, warning
from ultravisor.doctor.measuring import median_ms

SLOW_MS = 10.0
#: A write-ahead log of this size means that some reader keeps it from being emptied.
LONG_WAL = 256 * 2**20


def look(settings: Settings, running: bool) -> Iterator[Finding]:
    file = database.sqlite_file(settings.database_url)
    if file is not None and not file.exists():
        yield (problem if running else warning)("database", f"{file} is not there yet", "The worker makes it within seconds after `ultravisor up`.")
        return
    try:
        with database.reading(settings) as connection:
            yield _latency(connection)
            yield _schema(connection)
            if file is not None:
                yield _journal_mode(connection)
                yield _log_size(file)
            yield _dead_letters(connection)
    except sa.exc.SQLAlchemyError as trouble:
        yield problem(
            "database", f"does not answer: {_first_line(trouble)}", "Start it, or correct DATABASE_URL. Commands wait in the journal until then."
        )


def _latency(connection: sa.Connection) -> Finding:
    took = median_ms(lambda: database.value(connection, "SELECT 1"), 50)
    seen = f"{connection.dialect.name} answers; p50 of 50 questions {took:.2f} ms"
    return ok("database", seen) if took <= SLOW_MS else warning("database", seen, "Each page asks it several times. Move it nearer, or relieve it.")


def _schema(connection: sa.Connection) -> Finding:
    from tasks import migrations  # here, for the front door is opened by people who wait, and seldom asks this

    needed = migrations.head()
    found = database.value(connection, "SELECT version_num FROM alembic_version") if _exists(connection, "alembic_version") else None
    if found == needed:
        return ok("schema", f"at {found}, as this release needs")
    return problem(
        "schema", f"at {found or 'nothing'}, this release needs {needed}", "A worker migrates when it starts: start one, and look at what it says."
    )


def _journal_mode(connection: sa.Connection) -> Finding:
    mode = database.value(connection, "PRAGMA journal_mode")
    if mode == "wal":
        return ok("journal mode", "WAL: readers and the writer do not wait for each other")
    return warning("journal mode", str(mode), "The worker sets WAL when it opens the file; something else has changed it.")


def _log_size(file: Path) -> Finding:
    log = file.with_name(f"{file.name}-wal")
    size = log.stat().st_size if log.exists() else 0
    seen = f"{size / 2**20:.1f} MB beside a database of {file.stat().st_size / 2**20:.1f} MB"
    return ok("WAL size", seen) if size < LONG_WAL else warning("WAL size", seen, "Some reader never ends; look for forgotten sqlite3 sessions.")


def _dead_letters(connection: sa.Connection) -> Finding:
    if not _exists(connection, "ledger_dead_letter"):
        return ok("dead letters", "no table yet")
    count = database.value(connection, "SELECT COUNT(*) FROM ledger_dead_letter")
    if not count:
        return ok("dead letters", "none")
    return warning(
        "dead letters", f"{count} commands failed again and again", "Read their errors in ledger_dead_letter, then replay or discard them."
    )


def _exists(connection: sa.Connection, table: str) -> bool:
    return sa.inspect(connection).has_table(table)


def _first_line(trouble: Exception) -> str:
    return str(trouble).splitlines()[0]
