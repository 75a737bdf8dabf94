"""What can be read of content: a chunk at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.reading import Reader
from schema.content.tables import chunk

_CHUNK = sa.select(chunk.c.data).where(chunk.c.upload_id == sa.bindparam("of_upload"), chunk.c.number == sa.bindparam("of_number"))


@dataclass(frozen=True, slots=True)
class Content:
    """A blob, as its row tells of it."""

    digest: str
    size: int
    upload_id: str
    chunk_bytes: int


class Chunks:
    """A blob's bytes from a place on, a chunk at a time and a question for each. Can be sought, as werkzeug wants it for ranges."""

    def __init__(self, reader: Reader, content: Content) -> None:
        self._reader = reader
        self._content = content
        self._at = 0

    def seekable(self) -> bool:
        return True

    def seek(self, at: int) -> None:
        self._at = at

    def tell(self) -> int:
        return self._at

    def __iter__(self) -> Chunks:
        return self

    def __next__(self) -> bytes:
        content = self._content
        if self._at >= content.size:
            raise StopIteration
        number, within = divmod(self._at, content.chunk_bytes)
        found: Any = self._reader.ask(_CHUNK, {"of_upload": content.upload_id, "of_number": number})
        if not found:  # swept under the reader's eyes; what was sent is shorter than announced, which tells the client
            raise RuntimeError(f"chunk {number} of {content.digest} is gone")
        data = bytes(found[0]["data"])[within:]
        self._at += len(data)
        return data
