"""Names of runs, and the lanes in which they live."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from zlib import crc32

from schema.base import lane_kind
from schema.hub.ids import named_id

RUNS = lane_kind("runs", followed=True)

#: Lanes over which the runs of one hub are spread.
SHARDS = 8

#: The longest hash of an operation: with a moment and its chance the hash of a run must fit into 128.
LONGEST_HASH = 80
PLAIN_HASH = rf"[A-Za-z0-9._:@-]{{0,{LONGEST_HASH}}}"


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


def brought_hash(beacon: str, document: Mapping[str, Any]) -> str:
    """The hash of an operation that a beacon brings: its own, else one that follows from beacon and name, the same with each registration.

    Empty where it has neither.
    """
    hash, name = document.get("Hash"), document.get("Name")
    if isinstance(hash, str) and hash:
        return hash if re.fullmatch(PLAIN_HASH, hash) else ""
    return "OPR-" + sha256(f"{beacon}\0{name}".encode()).hexdigest()[:16] if isinstance(name, str) and name else ""


def schedule_guid(operation_hash: str, now: datetime, id: str) -> str:
    """`sched-op-<operation>-<milliseconds>-<chance>`: the original's form, which a second schedule of the same millisecond cannot have."""
    return f"sched-op-{operation_hash[:LONGEST_HASH]}-{round(now.timestamp() * 1000)}-{id[-12:]}"


def schedule_guid_for(operation_hash: str, who: str, key: str) -> str:
    """The same key of the same caller means the same schedule."""
    mark = sha256(f"{who}\0{key}".encode()).hexdigest()[:24]
    return f"sched-op-{operation_hash[:LONGEST_HASH]}-{mark}"


def occurrence_id(guid: str, due_at: datetime) -> str:
    """The key of an occurrence's row: of each moment of a schedule there is one."""
    return named_id(guid, due_at.isoformat(timespec="milliseconds"))
