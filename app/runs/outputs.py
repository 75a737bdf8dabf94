"""Large outputs of nodes, read from the content store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from app.content.questions import Chunks, Content
from app.reading import ask, reader
from schema.content.tables import blob

_BLOBS = sa.select(blob.c.digest, blob.c.size, blob.c.upload_id, blob.c.chunk_bytes).where(blob.c.digest.in_(sa.bindparam("digests", expanding=True)))


def _contents(digests: Iterable[str]) -> list[Content]:
    return [Content(**row) for row in ask(_BLOBS, {"digests": sorted(set(digests))})]


def whole(nodes: Sequence[Mapping[Any, Any]]) -> dict[str, Any]:
    """The large outputs of these nodes, by their digest."""
    digests = [found["Digest"] for row in nodes for found in (row["stored"] or {}).values()]
    return {content.digest: orjson.loads(b"".join(Chunks(reader(), content))) for content in _contents(digests)} if digests else {}
