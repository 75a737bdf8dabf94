"""Files that an attempt hands out: which they are, and what a hub is told of them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import file_digest
from mimetypes import guess_type
from pathlib import Path
from typing import Any

#: What callers name a file with that they want to have (the original's clients know both).
WISHES = ("OutputFilename", "OutputFile")


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A file that goes to the hub before the result. `name` is what it is called there, a text and no path."""

    path: Path
    name: str
    content_type: str

    @classmethod
    def of(cls, path: Path, name: str = "", content_type: str = "") -> ResultFile:
        called = "".join(letter if letter.isprintable() else "_" for letter in name or path.name)[:255] or "output"
        return cls(path, called, content_type or guess_type(called)[0] or "application/octet-stream")

    def digest(self) -> str:
        """As the header Content-Digest has it. Raises OSError."""
        with self.path.open("rb") as file:
            return f"sha-256=:{b64encode(file_digest(file, 'sha256').digest()).decode()}:"


def wished(settings: dict[str, Any], outputs: dict[str, Any], folder: Path) -> ResultFile | None:
    """The file that the item's settings ask for: where `Result` says, else of that name. None where there is none, or it lies elsewhere.

    Only what is really inside the attempt's work folder, after every link, is meant: a result that names another path is a text.
    """
    name = next((value for wish in WISHES if isinstance(value := settings.get(wish), str) and value), None)
    if name is None:
        return None
    for said in (outputs.get("Result"), name):
        if isinstance(said, str) and said and (found := _inside(folder, said)) is not None:
            return ResultFile.of(found, name)
    return None


def _inside(folder: Path, said: str) -> Path | None:
    try:
        path = (folder / said).resolve()
        return path if path.is_relative_to(folder.resolve()) and path.is_file() else None
    except (OSError, ValueError):  # too long, or with a NUL: no name of a file
        return None
