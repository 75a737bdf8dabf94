"""The road of every change: lanes that wait, queues that nobody serves, the sweep that rings again."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import redis

from schema import envelope as keys
from schema.settings import Settings
from ultravisor import here, lanes
from ultravisor.doctor.finding import Finding, ok, problem, warning

#: A lane is flushed at once, and rung for again by the sweep each 2 s: an entry this old has been missed more than once.
LONG_SECONDS = 6.0
#: Beat sweeps each 2 s.
SWEEP_SECONDS = 10.0
#: For the workers' answers, and for all of it: asking needs a broker that is not always ours.
REPLY_SECONDS, LIMIT_SECONDS = 1.5, 8.0


def look(settings: Settings, running: bool) -> Iterator[Finding]:
    if not running:
        return
    try:
        with here.broker(settings) as client:
            yield judged_lanes(lanes.waiting(client, settings))
            yield judged_sweep(_swept_ago(client))
        yield _queues()
    except redis.RedisError:  # the broker's own findings say it
        return


def judged_lanes(waiting: list[lanes.Lane]) -> Finding:
    """Entries that wait are normal; entries that wait for long are not."""
    shown = ", ".join(f"{lane.name}: {lane.waiting} for {lane.seconds:.1f} s" + (", being flushed" if lane.flushed else "") for lane in waiting)
    late = [lane for lane in waiting if lane.seconds > LONG_SECONDS]
    if not late:
        return ok("lanes", shown or "nothing waits")
    if all(lane.flushed for lane in late):
        return warning("lanes", shown, "A flush is at work and does not keep up; look at the worker's output for retries.")
    return problem("lanes", shown, "Nobody flushes them. Look whether a worker serves the queue `flush`, and what it says.")


def _swept_ago(client: redis.Redis) -> float | None:
    swept: Any = client.get(keys.SWEPT)
    seconds, microseconds = client.time()
    return None if swept is None else seconds + microseconds / 1e6 - int(swept) / 1e3


def judged_sweep(ago: float | None) -> Finding:
    """Each sweep leaves its time: it needs beat to ask for it and a worker to do it."""
    if ago is None:
        return problem("sweep", "there has been none", "Start beat and a worker: without the sweep a lost doorbell is never rung again.")
    if ago > SWEEP_SECONDS:
        return problem(
            "sweep", f"the last one was {ago:.0f} s ago", "Beat or the workers have stopped. `ultravisor status` shows which of them is missing."
        )
    return ok("sweep", f"the last one was {max(ago, 0):.1f} s ago")


def _queues() -> Finding:
    answer: list[tuple[set[str], set[str]]] = []
    # In a thread of its own, as Celery waits for a broker as long as it takes.
    asking = Thread(target=lambda: answer.append(_asked()), daemon=True)
    asking.start()
    asking.join(LIMIT_SECONDS)
    if not answer:
        return warning("queues", "Celery's broker does not answer", "Start it, or correct BROKER_URL.")
    return judged_queues(*answer[0])


def _asked() -> tuple[set[str], set[str]]:
    from tasks.worker import app  # here, for it takes longer to load than most commands take

    needed = {queue.name for queue in app.conf.task_queues}
    replies = app.control.inspect(timeout=REPLY_SECONDS).active_queues() or {}
    return needed, {queue["name"] for queues in replies.values() for queue in queues}


def judged_queues(needed: set[str], served: set[str]) -> Finding:
    """A message in a queue without a consumer is a change that never happens."""
    if missing := sorted(needed - served):
        return problem("queues", f"nobody serves {', '.join(missing)}", "Start a worker with -Q that names them; `ultravisor up` does.")
    return ok("queues", f"{', '.join(sorted(needed))}: all served")
