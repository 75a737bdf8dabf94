"""The life of a work item: its states, and what may happen in each.

Pending --dispatched--> Running --completed--> Complete
   ^                     | | |
   |---------lost--------| | +--failed, lost too often--> Error
   +--due-- RetryScheduled <--retried--+
Pending, RetryScheduled, Running --canceled--> Canceled
"""

from __future__ import annotations

STATUSES = ("Pending", "Running", "RetryScheduled", "Complete", "Error", "Canceled")

#: States that nothing leaves.
FINAL = frozenset({"Complete", "Error", "Canceled"})

#: (state, happening) -> next state. What is not here cannot happen.
TRANSITIONS: dict[tuple[str, str], str] = {
    ("Pending", "dispatched"): "Running",
    ("Pending", "canceled"): "Canceled",
    ("Running", "completed"): "Complete",
    ("Running", "retried"): "RetryScheduled",
    ("Running", "failed"): "Error",
    ("Running", "lost"): "Pending",
    ("Running", "canceled"): "Canceled",
    ("RetryScheduled", "due"): "Pending",
    ("RetryScheduled", "canceled"): "Canceled",
}

#: How the board sorts states into columns (ultravisor-hub 5.7).
BUCKETS = {
    "Pending": "Upcoming",
    "RetryScheduled": "Upcoming",
    "Running": "InProgress",
    "Complete": "Completed",
    "Error": "Errored",
    "Canceled": "Errored",
}
BUCKET_NAMES = ("Upcoming", "InProgress", "Stalled", "Completed", "Errored")


def next_status(status: str, happening: str) -> str:
    """The state after a happening. Raises KeyError for what cannot happen: the verb that asks has not judged before it acted.

    >>> next_status("Pending", "dispatched")
    'Running'
    """
    return TRANSITIONS[status, happening]
