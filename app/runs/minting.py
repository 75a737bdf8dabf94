"""Hashes of new runs: made here, so that a request that is repeated with its key means the same run."""

from __future__ import annotations

from datetime import UTC, datetime

from app.asking import idempotency_key
from app.dispatch import new_id
from app.who import actor
from schema.runs import ids


def run_hash_for(operation_hash: str) -> str:
    """The hash of the run that this request begins."""
    key = idempotency_key()
    if key is not None:
        return ids.run_hash_for(operation_hash, str(actor()), key)
    return ids.run_hash_of(operation_hash, datetime.now(UTC), new_id())
