"""Ring for whatever waits, send again what a killed flush left: the safety net under every doorbell. Changes nothing when all is well."""

from __future__ import annotations

from schema import envelope as keys
from schema.base import SYSTEM, Command
from schema.envelope import Envelope
from tasks import cursor, outbox, streams
from tasks.checkpoint import checkpoint
from tasks.kernel import Kernel
from tasks.unit import look


def sweep(kernel: Kernel) -> list[str]:
    """Ring for each group that has entries and no flush at work. Returns the groups it rang for."""
    _settle(kernel)
    waiting = streams.waiting(kernel.redis, kernel.settings.one_writer)
    idle = [group for group in sorted(waiting) if not kernel.redis.exists(keys.lease(group))]
    for group in idle:
        kernel.ring(group, 0)
    outbox.send_again(kernel)
    checkpoint(kernel)
    kernel.redis.set(keys.SWEPT, round(kernel.now().timestamp() * 1000))
    return idle


def _settle(kernel: Kernel) -> None:
    """Repair streams even where nothing waits: a broker that lost its newest seconds and whose clock went back must not number new
    entries below the cursor, where they would pass for applied.
    """
    epoch: bytes | None = kernel.redis.get(keys.EPOCH)  # type: ignore[assignment]  # the client is synchronous
    if epoch is None:
        return
    with look(kernel.engine) as connection:
        known = cursor.positions(connection, epoch.decode())
    streams.settle(kernel.redis, epoch.decode(), known)


def ask(kernel: Kernel, *commands: Command) -> None:
    """Append commands that the clock, not a caller, wants."""
    now = kernel.now()
    envelopes = [Envelope(kernel.new_id(), command, SYSTEM, now, origin="clock") for command in commands]
    outbox.append(kernel, [(envelope.command.lane, keys.encode(envelope)) for envelope in envelopes])
