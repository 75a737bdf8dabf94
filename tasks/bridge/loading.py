"""What one transaction over there brings: rows as they are now, made of the changes after the mark, or of what was there before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from schema.bridge.sources import SOURCES, Source
from tasks.bridge import reading
from tasks.bridge.landing import Load, Mark
from tasks.bridge.recording import recorded
from tasks.capture import key_of, row_key
from tasks.rows import Key

#: Rows of one load at most.
MOST = 2_000
#: Bytes that one load should hold: a result may have 32 MB, and memory stays flat whatever results are like.
BYTES = 8_000_000


@dataclass(slots=True)
class Room:
    """How many rows the next load takes, from the size of the last ones."""

    rows: int = 250

    def learn(self, records: Iterable[Mapping[str, Any]], count: int) -> None:
        """From a part of the records: to measure all of them takes longer than to store them."""
        looked = list(islice(records, 0, None, 16))
        size = sum(len(value) for record in looked for value in record.values() if isinstance(value, str))
        if count:
            fitting = int(BYTES / max(size / max(len(looked), 1), 1.0))
            self.rows = max(1, min(MOST, fitting, self.rows * 4))


def loaded(control: sa.Connection, hub: str, mark: Mark, room: Room) -> tuple[Load | None, int]:
    """The next load and how many changes or rows it is made of; no load where nothing is left."""
    load, count = _copied(control, hub, mark, room.rows) if mark.copying else _followed(control, hub, mark, room.rows)
    if load is not None:
        room.learn((record for records in load.records.values() for record in records), count)
    return load, count


def _followed(control: sa.Connection, hub: str, mark: Mark, page: int) -> tuple[Load | None, int]:
    """Rows that have changed. With a child comes its parent, if that one has changed again since and would come later."""
    found = reading.changes(control, hub, mark.position, page)
    if not found:
        return None, 0
    wanted: dict[str, dict[Key, tuple[str, str]]] = {name: {} for name in SOURCES}
    for row in found:
        source = SOURCES.get(row.source)
        if source is not None:
            wanted[row.source][key_of(source.table, row.row_key)] = (row.created_by, row.changed_by)
    for name, source in SOURCES.items():
        if source.parent is not None:
            missing = {key[:1] for key in wanted[name]} - wanted[source.parent].keys()
            noted = reading.authors(control, hub, SOURCES[source.parent], [row_key(key) for key in missing]) if missing else {}
            wanted[source.parent] |= {key: noted.get(row_key(key), ("", "")) for key in missing}
    records: dict[str, list[dict[str, Any]]] = {}
    gone: dict[str, list[Key]] = {}
    for name, source in SOURCES.items():
        rows = reading.rows(control, source, list(wanted[name]))
        records[name] = [_signed(record, wanted[name][key]) for key, record in recorded(control, source, rows.items())]
        gone[name] = [key for key in wanted[name] if key not in rows]
    return Load(records, gone, found[-1].number, None, found[-1].changed_at), len(found)


def _copied(control: sa.Connection, hub: str, mark: Mark, page: int) -> tuple[Load, int]:
    """The next rows of what was there before somebody followed, table by table."""
    assert mark.copying is not None
    source, after = SOURCES[mark.copying[0]], mark.copying[1]
    found = reading.page_of(control, source, hub, after, page)
    texts = {key: row_key(key) for key, _ in found}
    noted = reading.authors(control, hub, source, list(texts.values())) if found else {}
    records = [_signed(record, noted.get(texts[key], ("", ""))) for key, record in recorded(control, source, found)]
    copying = (source.name, texts[found[-1][0]]) if len(found) == page else _after(source)
    return Load({source.name: records}, {}, mark.position, copying), len(found)


def _after(source: Source) -> tuple[str, str] | None:
    """Where copying goes on after a table, None after the last one."""
    names = list(SOURCES)
    place = names.index(source.name) + 1
    return (names[place], "") if place < len(names) else None


def _signed(record: dict[str, Any], authors: tuple[str, str]) -> dict[str, Any]:
    """Who has made the row and who has changed it last: as noted, unless our own row knows better."""
    record.setdefault("CreatingUser", authors[0])
    record["UpdatingUser"] = authors[1] or record["CreatingUser"]
    return record
