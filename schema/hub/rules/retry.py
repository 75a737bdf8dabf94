"""What follows a failed or lost attempt."""

from __future__ import annotations

#: Beacons that one item may take down before it is given up.
LOSSES = 5
#: Longest pause between two tries, in milliseconds.
LONGEST_MS = 3_600_000


def retry_pause_ms(failures: int, max_attempts: int, backoff_ms: int, jitter: float) -> int | None:
    """Milliseconds to wait after the `failures`-th failure, None when the tries are used up.

    Doubles with each failure up to an hour; `jitter` in 0..1 takes up to a quarter off, so that many items that failed together
    do not come back together.

    >>> [retry_pause_ms(n, 4, 1000, 0.0) for n in (1, 2, 3, 4)]
    [1000, 2000, 4000, None]
    """
    if failures >= max_attempts:
        return None
    pause = min(backoff_ms * 2 ** min(failures - 1, 30), LONGEST_MS)
    return int(pause * (1 - jitter / 4))


def given_up(losses: int) -> bool:
    """Whether the item has been lost with its beacon too often to try another."""
    return losses >= LOSSES
