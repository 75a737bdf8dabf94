"""Run a command on this host, where the operator has allowed that."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.runs.world.files import Performed, Performer
from tasks.runs.world.place import Place, WorldError

#: Characters of output that are kept, of each stream.
MOST_OUTPUT = 10_485_760


def command(given: dict[str, Any], place: Place) -> Performed:
    """What it printed and with which code it ended; another code than 0 is an error."""
    if not place.settings.run_local_shell:
        raise WorldError("The operator has not allowed commands on this host (UV_RUN_LOCAL_SHELL).")
    folder = place.path(given["WorkingDirectory"]) if given.get("WorkingDirectory") else Path(place.staging)
    folder.mkdir(parents=True, exist_ok=True)
    words = [*shlex.split(given["Command"]), *shlex.split(given.get("Parameters") or "")]
    # Our own settings hold the key of all secrets: a command is none of those who may know them.
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TZ")}
    environment = kept | {str(name): str(value) for name, value in (given.get("Environment") or {}).items()}
    try:
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, timeout=given["TimeoutMs"] / 1000, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as late:
        raise WorldError(f"The command took longer than {given['TimeoutMs']} ms.", again=True) from late
    out, err = (text[:MOST_OUTPUT].decode(errors="replace") for text in (done.stdout, done.stderr))
    outputs = {"StdOut": out, "StdErr": err, "ExitCode": done.returncode}
    if done.returncode:
        raise WorldError(f"The command ended with code {done.returncode}: {err[-500:]}", outputs=outputs)
    return "", outputs


PERFORMERS: Mapping[str, Performer] = {"command": command}
