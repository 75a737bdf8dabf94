"""The content store without processes, on each engine."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import pytest

from schema.base import Command
from schema.content.commands import CHUNK_BYTES, SealUpload, StoreChunk
from schema.outcome import Outcome
from tasks import unit
from tasks.worker import VERBS
from tests.tasks.filling import fill
from tests.tasks.rig import Rig, rig_on


@dataclass
class Store:
    """Short words for what uploads do."""

    rig: Rig

    def do(self, *commands: Command) -> list[Outcome]:
        """Their outcomes, after all that they have ordered is done too."""
        sent = [self.rig.send(command, waited=True)[0] for command in commands]
        self.rig.drain()
        outcomes = self.rig.answers(sent)
        assert all(outcomes)
        return [outcome for outcome in outcomes if outcome is not None]

    def bring(self, upload: str, data: bytes) -> str:
        """Store the chunks of an upload. Returns their digest."""
        self.do(*[self.chunk(upload, n, data[at : at + CHUNK_BYTES]) for n, at in enumerate(range(0, len(data), CHUNK_BYTES))])
        return sha256(data).hexdigest()

    def chunk(self, upload: str, number: int, data: bytes) -> StoreChunk:
        return StoreChunk(upload=upload, number=number, data=b64encode(data).decode())

    def seal(self, upload: str, data: bytes) -> SealUpload:
        return SealUpload(upload=upload, digest=sha256(data).hexdigest(), size=len(data), chunks=-(-len(data) // CHUNK_BYTES))

    def whole(self, upload: str, data: bytes) -> str:
        digest = self.bring(upload, data)
        (outcome,) = self.do(self.seal(upload, data))
        assert outcome.status == 200, outcome
        return digest

    def bytes_of(self, digest: str) -> bytes:
        """What plain SQL finds under a digest."""
        statement = "SELECT c.data FROM content_chunk c JOIN content_blob b ON b.upload_id = c.upload_id WHERE b.digest = :d ORDER BY c.number"
        return b"".join(bytes(row[0]) for row in self.rig.rows(statement, d=digest))

    def counts(self) -> tuple[int, int, int]:
        """Blobs, uploads, chunks."""
        return self.rig.count("content_blob"), self.rig.count("content_upload"), self.rig.count("content_chunk")


@pytest.fixture
def store(database_url: str, redis_url: str) -> Iterator[Store]:
    engine = unit.connect(database_url)
    fill(engine)
    engine.dispose()
    with rig_on(database_url, redis_url, VERBS) as rig:
        yield Store(rig)
        assert not rig.count("ledger_dead_letter")
        assert not rig.rows("SELECT upload_id FROM content_chunk WHERE upload_id NOT IN (SELECT upload_id FROM content_upload)"), "a chunk of nothing"
        assert not rig.rows("SELECT digest FROM content_blob WHERE upload_id NOT IN (SELECT upload_id FROM content_upload WHERE state = 'Whole')")
