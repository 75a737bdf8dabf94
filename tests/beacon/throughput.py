"""No-op items per second between one beacon process and the test hub: `python -m tests.beacon.throughput [items] [slots]`.

The hub runs in this process and the beacon in another, as in life; hub, beacon and their Python share the machine, so this is a floor.
"""

from __future__ import annotations

import subprocess
import sys
import time

from tests.beacon.hub import Hub, item


def main(items: int = 5_000, slots: int = 16) -> None:
    hub = Hub()
    arguments = ["--server", hub.url, "--provider", "Synthetic", "--max-concurrent", str(slots)]
    process = subprocess.Popen([sys.executable, "-m", "beacon", *arguments], stderr=subprocess.DEVNULL)
    hub.wait(lambda: hub.polls_waiting)
    began = time.monotonic()
    hub.offer(*(item(number, DurationMs=0) for number in range(items)))
    hub.wait(lambda: len(hub.completed) == items, 300)
    took = time.monotonic() - began
    sys.stdout.write(f"{items} items, {slots} slots: {took:.2f} s, {items / took:.0f} items/s, {len(hub.of('Complete'))} reports\n")
    process.terminate()
    process.wait(20)
    hub.close()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
