"""The stream of one item, `binary-frames-v1` (ultravisor-hub 3.7): one byte of kind, four of length, big-endian, and the payload."""

from __future__ import annotations

from struct import pack

PROTOCOL = "binary-frames-v1"

PROGRESS = b"\x01"
INTERMEDIATE = b"\x02"
FINAL = b"\x03"
RESULT = b"\x04"
ERROR = b"\x05"

#: How the item has ended, on its way from worker to web process; never on the wire.
END = b"\x00"

#: The most that one intermediate frame may hold.
INTERMEDIATE_BYTES = 1_048_576


def frame(kind: bytes, payload: bytes) -> bytes:
    """The frame as it goes out.

    >>> frame(PROGRESS, b"{}").hex()
    '01000000027b7d'
    """
    return kind + pack(">I", len(payload)) + payload
