"""What can be asked of the content store.

An upload's chunks share a lane, and so do all uploads of one digest once they are to become its blob: whatever two senders do at once, one
writer sees it in order. Few lanes, for each is a flush of its own on a server database.
"""

from __future__ import annotations

from zlib import crc32

from schema.base import Command, command, lane_kind

CONTENT = lane_kind("content")

#: Bytes of each chunk but the last: a transaction of milliseconds, and the most of an upload that is on its way through the broker.
CHUNK_BYTES = 524_288

#: Lanes among which uploads are spread.
LANES = 4


def _lane(name: str) -> str:
    return CONTENT.of(crc32(name.encode()) % LANES)


@command("content.store", repeatable=True)
class StoreChunk(Command):
    """Keep one chunk of an upload; the first one begins it. `data` is base64. A repetition changes nothing."""

    upload: str
    number: int
    data: str

    @property
    def lane(self) -> str:
        return _lane(self.upload)


@command("content.seal", repeatable=True)
class SealUpload(Command):
    """The upload is whole: from now on it, or what was there under its digest before it, can be referred to."""

    upload: str
    digest: str
    size: int
    chunks: int

    @property
    def lane(self) -> str:
        return _lane(self.digest)


@command("content.drop", repeatable=True)
class DropUpload(Command):
    """The upload will not become whole; its chunks can go."""

    upload: str

    @property
    def lane(self) -> str:
        return _lane(self.upload)


@command("content.sweep", repeatable=True)
class SweepContent(Command):
    """Let go of what nobody refers to and of uploads that were given up: a page per command, and the next is ordered while there is more."""

    @property
    def lane(self) -> str:
        return CONTENT.of(0)
