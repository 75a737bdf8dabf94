"""FileSystem: files of the beacon's machine, inside the folders that its operator allowed."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from beacon.providers.contract import Action, Context, Outputs, ProviderError, Setting
from beacon.providers.folders import Folders, open_to_read, replacing

#: The largest file that Read puts into its result.
READ_LIMIT = 10 * 1024 * 1024
CHUNK = 1024 * 1024
#: The shake family is missing: its digests have no length of their own.
ALGORITHMS = sorted(name for name in hashlib.algorithms_guaranteed if not name.startswith("shake"))

_PATH = Setting("FilePath", "String", "The file.", required=True)
_ENCODING = Setting("Encoding", "String", "How text becomes bytes (utf-8, latin-1 ...), or base64.", default="utf-8")


class FileSystem:
    """Read, Write, List, Copy and Hash. Failing is always an error of the attempt, never a result that says so."""

    capability = "FileSystem"
    actions = (
        Action("Read", "Reads a file of at most 10 MB.", (_PATH, _ENCODING)),
        Action("Write", "Writes a file in one step.", (_PATH, Setting("Content", "String", "What the file will hold.", required=True), _ENCODING)),
        Action(
            "List",
            "Names what is in a folder.",
            (
                Setting("Folder", "String", "The folder.", required=True),
                Setting("Pattern", "String", "Only names like this, * and ? stand for anything.", default="*"),
            ),
        ),
        Action(
            "Copy",
            "Copies a file in one step.",
            (
                Setting("Source", "String", "The file that is copied.", required=True),
                Setting("TargetFile", "String", "The file that it becomes.", required=True),
            ),
        ),
        Action(
            "Hash",
            "Computes the digest of a file of any size.",
            (
                Setting("Path", "String", "The file.", required=True),
                Setting("Algorithm", "String", f"One of {', '.join(ALGORITHMS)}.", default="sha256"),
            ),
        ),
    )

    def __init__(self, allowed: Sequence[Path] = ()) -> None:
        self._folders = Folders(allowed)

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        """Raises: ProviderError for unknown actions, bad settings, forbidden paths and whatever the file system refuses."""
        actions: dict[str, Callable[[dict[str, Any], Context], Outputs]] = {
            "Read": self._read,
            "Write": self._write,
            "List": self._list,
            "Copy": self._copy,
            "Hash": self._hash,
        }
        if action not in actions:
            raise ProviderError(f"FileSystem cannot {action}; it can {', '.join(actions)}.")
        try:
            return actions[action](settings, context)
        except OSError as trouble:
            raise ProviderError(f"FileSystem/{action}: {trouble.strerror or trouble}: {trouble.filename or ''}".rstrip(": ")) from None

    def _read(self, settings: dict[str, Any], _: Context) -> Outputs:
        path = self._folders.inside(settings.get("FilePath"), "FilePath")
        with open_to_read(path) as file:
            content = file.read(READ_LIMIT + 1)
        if len(content) > READ_LIMIT:
            raise ProviderError(f"{path} is larger than {READ_LIMIT} bytes, the most that Read returns.")
        return _outputs(f"Read {len(content)} bytes from {path}", _as_text(content, _encoding(settings)), Bytes=len(content))

    def _write(self, settings: dict[str, Any], _: Context) -> Outputs:
        path = self._folders.inside(settings.get("FilePath"), "FilePath")
        content = _as_bytes(settings.get("Content"), _encoding(settings))
        with replacing(path) as file:
            file.write(content)
        return _outputs(f"Wrote {len(content)} bytes to {path}", str(path), Bytes=len(content))

    def _list(self, settings: dict[str, Any], _: Context) -> Outputs:
        folder = self._folders.inside(settings.get("Folder"), "Folder")
        pattern = str(settings.get("Pattern") or "*")
        names = sorted(path.name for path in folder.iterdir() if fnmatch.fnmatchcase(path.name, pattern))
        # A string, as the original's beacons return it; Files is the same as a list.
        return _outputs(f"Found {len(names)} files in {folder}", json.dumps(names), Files=names, FileCount=len(names))

    def _copy(self, settings: dict[str, Any], context: Context) -> Outputs:
        source = self._folders.inside(settings.get("Source"), "Source")
        target = self._folders.inside(settings.get("TargetFile"), "TargetFile")
        size = 0
        with open_to_read(source) as original, replacing(target) as copy:
            for chunk in _chunks(original, context):
                size += copy.write(chunk)
        return _outputs(f"Copied {source} to {target}", str(target), Bytes=size)

    def _hash(self, settings: dict[str, Any], context: Context) -> Outputs:
        algorithm = str(settings.get("Algorithm") or "sha256").lower()
        if algorithm not in ALGORITHMS:
            raise ProviderError(f"Algorithm must be one of {', '.join(ALGORITHMS)}.")
        path = self._folders.inside(settings.get("Path"), "Path")
        digest, size = hashlib.new(algorithm, usedforsecurity=False), 0
        with open_to_read(path) as file:
            for chunk in _chunks(file, context):
                digest.update(chunk)
                size += len(chunk)
        return _outputs(f"{digest.hexdigest()}  {path}", digest.hexdigest(), Bytes=size, Algorithm=algorithm)


def _outputs(said: str, result: str, **more: Any) -> Outputs:
    return {"StdOut": said, "ExitCode": 0, "Result": result, **more}


def _chunks(file: IO[bytes], context: Context) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        context.check()
        yield chunk


def _encoding(settings: dict[str, Any]) -> str:
    return str(settings.get("Encoding") or "utf-8")


def _as_text(content: bytes, encoding: str) -> str:
    if encoding == "base64":
        return base64.b64encode(content).decode("ascii")
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as trouble:
        raise ProviderError(f"The file cannot be read as {encoding}: {trouble}. Encoding base64 reads anything.") from None


def _as_bytes(content: Any, encoding: str) -> bytes:
    if not isinstance(content, str):
        content = "" if content is None else json.dumps(content, indent=2)
    try:
        return base64.b64decode(content, validate=True) if encoding == "base64" else content.encode(encoding)
    except (UnicodeEncodeError, LookupError, binascii.Error) as trouble:
        raise ProviderError(f"The content cannot be written as {encoding}: {trouble}") from None
