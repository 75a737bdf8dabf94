"""Content in SQL: uploads made of chunks, and blobs, which are uploads that have become whole.

In SQL and not in files: web and worker need not share a machine, a transaction decides what is visible, one backup has it all, and no name
that a client has chosen ever becomes a path. What a file system would do better, sending a file without copying it, is not worth a second truth.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from schema.sql import UtcDateTime, table

Digest = sa.String(64)

#: The bytes of one chunk: BLOB ends at 64 kB on MariaDB.
Bytes = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")

#: What uploads bring; nobody sees one before it is whole.
upload = table(
    "content_upload",
    sa.Column("upload_id", sa.String(36), primary_key=True),
    #: Open: chunks come in. Whole: it is the body of a blob. Dropped: its chunks are on their way out.
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.CheckConstraint("state IN ('Open', 'Whole', 'Dropped')", name="state"),
    sa.Index("ix_content_upload_state_begun_at", "state", "begun_at"),
)

chunk = table(
    "content_chunk",
    sa.Column("upload_id", sa.String(36), primary_key=True),
    #: From 0, without a gap in a whole upload.
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("data", Bytes, nullable=False),
)

#: Content that can be referred to, each once, whoever brought it and how often.
blob = table(
    "content_blob",
    #: SHA-256, in lower case hex.
    sa.Column("digest", Digest, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    #: The upload whose chunks are its bytes.
    sa.Column("upload_id", sa.String(36), nullable=False),
    #: Bytes of each chunk but the last.
    sa.Column("chunk_bytes", sa.Integer, nullable=False),
    #: Rows of other domains that refer to it, counted by the units that make and remove them.
    sa.Column("refs", sa.Integer, nullable=False),
    sa.Column("stored_at", UtcDateTime, nullable=False),
    #: When it was last brought, referred to or let go.
    sa.Column("touched_at", UtcDateTime, nullable=False),
    sa.CheckConstraint("refs >= 0", name="refs"),
    sa.Index("ix_content_blob_refs_touched_at", "refs", "touched_at"),
)
