"""The first admin of a secured hub: a token that makes one lies in the data folder, for whoever may read it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from app import passwords
from schema.access.commands import OfferBootstrap
from schema.errors import UltravisorError
from schema.outcome import Done
from schema.settings import Settings
from ultravisor import console

NAME = "bootstrap.token"


def offer(settings: Settings) -> str | None:
    """Leave a token in the file, unless there is a user already. Returns what to tell the operator; the token is not in it."""
    file = Path(settings.data, NAME)
    made = passwords.fresh("uvb_")
    try:
        if not isinstance(console.outcome_of(settings, OfferBootstrap(digest=passwords.digest(made))), Done):
            file.unlink(missing_ok=True)
            return None
        with suppress(FileNotFoundError):
            file.unlink()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(made + "\n")
    except (UltravisorError, OSError) as trouble:
        return f"no token for a first admin: {trouble}. `ultravisor user add <name> --role admin` makes one."
    return f"nobody can log in yet: `ultravisor user add <name> --role admin`, or POST /Beacon/BootstrapAdmin with the token in {file}"
