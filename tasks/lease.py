"""Who flushes a group right now. A courtesy that saves work: correctness is the cursor's."""

from __future__ import annotations

from time import monotonic
from typing import Any

import redis

from schema import envelope as keys
from tasks.failures import LostLease

#: A dead holder is replaced after this time; a living one renews at a quarter of it.
LEASE_MS = 2_000

#: KEYS: lease, bell. ARGV: token, lease ms, bell ms. The holder also keeps the bell rung: an append needs no message while it works.
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], '1', 'PX', ARGV[3])
return 1
"""
#: KEYS: lease, bell. ARGV: token.
_LEAVE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1], KEYS[2]) end
return 1
"""


class Lease:
    """Exclusive by courtesy, for LEASE_MS at a time."""

    def __init__(self, client: redis.Redis, group: str, token: str) -> None:
        self._client = client
        self._keys = (keys.lease(group), keys.bell(group))
        self._token = token
        self._renewed = 0.0

    def take(self) -> bool:
        """True when nobody else holds it."""
        self._renewed = monotonic()
        return bool(self._client.set(self._keys[0], self._token, nx=True, px=LEASE_MS))

    def renew(self) -> None:
        """Keep it, at the cost of one call each quarter of its time. Raises LostLease when somebody else has it."""
        if monotonic() - self._renewed < LEASE_MS / 4_000:
            return
        self._renewed = monotonic()
        kept: Any = self._client.eval(_RENEW, 2, *self._keys, self._token, LEASE_MS, keys.BELL_MS)
        if not kept:
            raise LostLease(f"{self._keys[0]} has another holder")

    def keep(self) -> None:
        """Renew it; one that has ended while something slow was done, and that nobody has taken meanwhile, is taken again. Raises LostLease."""
        try:
            self.renew()
        except LostLease:
            if not self.take():
                raise

    def leave(self) -> None:
        """Let go, and let the next append ring again."""
        self._client.eval(_LEAVE, 2, *self._keys, self._token)
