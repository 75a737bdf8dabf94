"""The life of a work item: its states, and what may happen in each.

Delayed --due--> Pending --dispatched--> Running --completed--> Complete
                  ^    ^                  | | |
                  |    |-------lost-------| | +--failed, lost too often--> Error
                  |                         |
                  +--due-- RetryScheduled <-+ retried
Running --stalled--> Stalled --unstalled--> Running; a Stalled item may end in every way in which a Running one may
Delayed, Pending, RetryScheduled, Running, Stalled --canceled--> Canceled
Error, Canceled --requeued--> Pending
"""

from __future__ import annotations

STATUSES = ("Delayed", "Pending", "Running", "Stalled", "RetryScheduled", "Complete", "Error", "Canceled")

#: States in which an item has ended: no report moves it any more. Only a person may queue a failed or canceled one again.
FINAL = frozenset({"Complete", "Error", "Canceled"})

#: States in which a beacon holds the item: it takes a slot, and its attempt is open.
HELD = ("Running", "Stalled")

#: States in which the item waits: for its time, for a beacon, for its next try.
QUEUED = ("Delayed", "Pending", "RetryScheduled")

#: (state, happening) -> next state. What is not here cannot happen.
TRANSITIONS: dict[tuple[str, str], str] = {
    ("Delayed", "due"): "Pending",
    ("Pending", "dispatched"): "Running",
    ("Running", "stalled"): "Stalled",
    ("Stalled", "unstalled"): "Running",
    **{(held, "completed"): "Complete" for held in HELD},
    **{(held, "retried"): "RetryScheduled" for held in HELD},
    **{(held, "failed"): "Error" for held in HELD},
    **{(held, "lost"): "Pending" for held in HELD},
    ("RetryScheduled", "due"): "Pending",
    **{(live, "canceled"): "Canceled" for live in (*QUEUED, *HELD)},
    ("Error", "requeued"): "Pending",
    ("Canceled", "requeued"): "Pending",
}

#: How the board sorts states into columns (ultravisor-hub 5.7).
BUCKETS = {
    "Delayed": "Upcoming",
    "Pending": "Upcoming",
    "RetryScheduled": "Upcoming",
    "Running": "InProgress",
    "Stalled": "Stalled",
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
