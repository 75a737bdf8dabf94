"""The data folder: private, with room, and on a disk that means what it says when it confirms a flush."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from schema.settings import Settings
from ultravisor.doctor.finding import Finding, ok, problem, warning
from ultravisor.doctor.measuring import median_ms

#: A flush takes a disk that has to wait for its medium 0.5 to 20 ms, one with power-loss protection 0.02 to 0.2 ms. Below this
#: it is one of those, or somebody on the way only says that it has flushed.
HONEST_MS = 0.5
SLOW_MS = 30.0
ROOM_BYTES, SCARCE_BYTES = 2 * 2**30, 200 * 2**20
IN_MEMORY = {"tmpfs", "ramfs"}
OVER_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs"}


def look(settings: Settings, running: bool) -> Iterator[Finding]:
    data = Path(settings.data)
    if not data.is_dir():
        yield (problem if running else warning)("data folder", f"{data} is not there yet", "`ultravisor up` makes it.")
        return
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield problem("data folder", f"{data} cannot be written by this user", "Give it to the user who runs the hub, or choose another UV_DATA.")
        return
    yield _privacy(data)
    yield _room(data)
    yield _file_system(data, settings.one_writer)
    yield judged_flush(flush_ms(data))


def _privacy(data: Path) -> Finding:
    open_to_others = [path for path in (data, data / "secret.key") if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if not open_to_others:
        return ok("data folder", f"{data}, for its owner alone")
    return warning("data folder", f"others may look into {', '.join(map(str, open_to_others))}", f"chmod go= {' '.join(map(str, open_to_others))}")


def _room(data: Path) -> Finding:
    free = shutil.disk_usage(data).free
    seen = f"{free / 2**30:.1f} GB free"
    if free < SCARCE_BYTES:
        return problem("disk", seen, "Make room: a full disk stops every change.")
    return ok("disk", seen) if free >= ROOM_BYTES else warning("disk", seen, "Make room soon: a full disk stops every change.")


def _file_system(data: Path, sqlite: bool) -> Finding:
    kind = _kind_of(data.resolve())
    if kind in IN_MEMORY:
        return warning(
            "file system", f"{kind}: it lives in memory", "Everything is gone at the next start of the machine. Choose a UV_DATA on a disk."
        )
    if kind in OVER_NETWORK:
        found = problem if sqlite else warning
        return found(
            "file system", f"{kind}: it lies behind a network", "SQLite's WAL needs a disk of this machine. Choose another UV_DATA, or PostgreSQL."
        )
    return ok("file system", kind)


def _kind_of(folder: Path) -> str:
    mounts = {Path(mount.mountpoint): mount.fstype for mount in psutil.disk_partitions(all=True)}
    return next((mounts[parent] for parent in (folder, *folder.parents) if parent in mounts), "unknown")


def flush_ms(folder: Path) -> float:
    """How long a small appended write takes to be flushed, as a commit does."""
    with TemporaryFile(dir=folder) as file:

        def write() -> None:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())

        return median_ms(write, 60)


def judged_flush(took: float) -> Finding:
    """What the figure says. A disk cannot be asked whether it lies; it can only be too quick to be believed."""
    seen = f"{took:.3f} ms for each fsync, {1000 / max(took, 0.001):.0f} a second"
    if took < HONEST_MS:
        advice = (
            "Quicker than a disk without power-loss protection can be. If yours has none (most virtual disks), a power cut may lose the last commits."
        )
        return warning("flush honesty", seen, advice)
    if took > SLOW_MS:
        return warning("flush honesty", seen, "Honest, and slow: each change waits for it. An SSD, or less traffic on this disk, would help.")
    return ok("flush honesty", seen)
