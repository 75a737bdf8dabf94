"""Where tasks may go: the run's own folder, and what the operator allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from schema.base import Command
from schema.outcome import Outcome
from schema.settings import Settings


class WorldError(Exception):
    """A task cannot do what it is asked. `again`: another try could end otherwise."""

    def __init__(self, text: str, *, again: bool = False, outputs: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.again = again
        self.outputs = dict(outputs or {})


@dataclass(frozen=True, slots=True)
class Place:
    """What a task sees of the house. `engine` is for looking only; `ask` has a lane carry out a command, and waits so many seconds.

    A task that is carried out once more, because its worker died, asks under the same key: what has been changed is not changed again.
    """

    staging: str
    settings: Settings
    engine: sa.Engine
    hub: str
    ask: Callable[[Command, float], Outcome]

    @property
    def folders(self) -> list[Path]:
        """The folders in which files may be touched."""
        allowed = [Path(folder).expanduser() for folder in self.settings.run_folders.split(":") if folder]
        return [Path(self.staging), *allowed]

    def path(self, name: str) -> Path:
        """The file of that name: a relative one lies in the run's folder. Links are followed before it is judged.

        Raises WorldError for one outside of all folders.
        """
        if not name or "\0" in name:
            raise WorldError("A path is needed.")
        wanted = (Path(self.staging) / name).resolve()
        for folder in self.folders:
            if wanted.is_relative_to(folder.resolve()):
                return wanted
        raise WorldError(f"{name} lies outside of the run's folder and of those that the operator allows (UV_RUN_FOLDERS).")

    def new_file(self, name: str) -> Path:
        """The same, with its folder made."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
