"""Names of runs, and the lanes in which they live."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from zlib import crc32

from schema.base import lane_kind
from schema.hub.ids import named_id

RUNS = lane_kind("runs")

#: Lanes over which the runs of one hub are spread.
SHARDS = 8

#: The longest hash of an operation: with a moment and its chance the hash of a run must fit into 128.
LONGEST_HASH = 80


def shard_of(run_hash: str) -> int:
    """Which lane a run lives in, for ever."""
    return crc32(run_hash.encode()) % SHARDS


def lane_of(hub: str, run_hash: str) -> str:
    return RUNS.of(hub, shard_of(run_hash))


def run_hash_of(operation_hash: str, now: datetime, id: str) -> str:
    """`run-<operation>-<milliseconds>-<chance>`: the original's form, which a second run of the same millisecond cannot have."""
    return f"run-{operation_hash[:LONGEST_HASH]}-{round(now.timestamp() * 1000)}-{id[-12:]}"


def run_hash_for(operation_hash: str, who: str, key: str) -> str:
    """The same key of the same caller means the same run, wherever and whenever it is repeated."""
    mark = sha256(f"{who}\0{key}".encode()).hexdigest()[:24]
    return f"run-{operation_hash[:LONGEST_HASH]}-{mark}"


def node_id(run_hash: str, node_hash: str) -> str:
    """The key of a node's row."""
    return named_id(run_hash, node_hash)
