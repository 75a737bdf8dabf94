"""Carry out the tasks of the file system."""

from __future__ import annotations

import hashlib
import shutil
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import orjson

from schema.runs.types.files import MOST_BYTES
from tasks.runs.world.place import Place, WorldError

Performed = tuple[str, dict[str, Any]]
Performer = Callable[[dict[str, Any], Place], Performed]

#: Files that one list may have.
MOST_FILES = 50_000
_ENCODINGS = {"utf8": "utf-8", "utf-8": "utf-8", "ascii": "ascii", "latin1": "latin-1", "utf16le": "utf-16-le", "base64": "base64", "hex": "hex"}


def _text(data: bytes, encoding: str) -> str:
    name = _encoding(encoding)
    if name == "base64":
        return b64encode(data).decode()
    return data.hex() if name == "hex" else data.decode(name)


def _bytes(text: str, encoding: str) -> bytes:
    name = _encoding(encoding)
    if name == "base64":
        return b64decode(text, validate=True)
    return bytes.fromhex(text) if name == "hex" else text.encode(name)


def _encoding(said: str) -> str:
    found = _ENCODINGS.get(said.lower() or "utf8")
    if found is None:
        raise WorldError(f"Encoding is one of {', '.join(_ENCODINGS)}.")
    return found


def _piece(path: Path, offset: int, most: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(most)


def read_file(given: dict[str, Any], place: Place) -> Performed:
    path = place.path(given["FilePath"])
    most = given["MaxBytes"] or MOST_BYTES
    if not given["MaxBytes"] and path.stat().st_size > MOST_BYTES:
        raise WorldError(f"The file is larger than {MOST_BYTES} bytes; read it in pieces, or say MaxBytes.")
    data = _piece(path, 0, most)
    return "", {"FileContent": _text(data, given["Encoding"]), "BytesRead": len(data), "FileName": path.name}


def read_file_buffered(given: dict[str, Any], place: Place) -> Performed:
    path, offset = place.path(given["FilePath"]), given["Offset"] or 0
    data = _piece(path, offset, given["ChunkBytes"])
    end = offset + len(data)
    outputs = {"FileContent": _text(data, given["Encoding"]), "BytesRead": len(data), "NextOffset": end, "FileName": path.name}
    return ("DataRead" if end < path.stat().st_size else "ReadComplete"), outputs


def write_file(given: dict[str, Any], place: Place) -> Performed:
    path, content = place.new_file(given["FilePath"]), given["Content"]
    text = content if isinstance(content, str) else orjson.dumps(content).decode()
    if given["LineEnding"]:
        text = text.replace("\r\n", "\n").replace("\n", {"lf": "\n", "crlf": "\r\n"}.get(given["LineEnding"].lower(), "\n"))
    data = _bytes(text, given["Encoding"])
    with path.open("ab" if given["Append"] else "wb") as file:
        file.write(data)
    return "", {"FileLocation": str(path.parent), "FileName": path.name, "FilePath": str(path), "BytesWritten": len(data)}


def read_json(given: dict[str, Any], place: Place) -> Performed:
    path = place.path(given["FilePath"])
    if path.stat().st_size > MOST_BYTES:
        raise WorldError(f"The file is larger than {MOST_BYTES} bytes.")
    return "", {"Data": orjson.loads(path.read_bytes())}


def write_json(given: dict[str, Any], place: Place) -> Performed:
    path = place.new_file(given["FilePath"])
    data = orjson.dumps(given["Data"], option=orjson.OPT_INDENT_2 if given["Pretty"] else None)
    path.write_bytes(data)
    return "", {"FilePath": str(path), "BytesWritten": len(data)}


def list_files(given: dict[str, Any], place: Place) -> Performed:
    folder = place.path(given["Folder"])
    if not folder.is_dir():
        raise WorldError(f"{given['Folder']} is no folder.")
    files = []
    for path in folder.rglob("*") if given["Recursive"] else folder.iterdir():
        if fnmatchcase(path.name, given["Pattern"] or "*") and (given["IncludeDirectories"] or not path.is_dir()):
            files.append(str(path.relative_to(folder)))
        if len(files) > MOST_FILES:
            raise WorldError(f"There are more than {MOST_FILES} files.")
    return "", {"Files": sorted(files), "FileCount": len(files)}


def copy_file(given: dict[str, Any], place: Place) -> Performed:
    source, target = place.path(given["Source"]), place.new_file(given["TargetFile"])
    if target.exists() and not given["Overwrite"]:
        raise WorldError(f"{given['TargetFile']} is there already.")
    shutil.copyfile(source, target)
    return "", {"TargetFile": str(target), "BytesCopied": target.stat().st_size}


def chunked_write(given: dict[str, Any], place: Place) -> Performed:
    path, data = place.new_file(given["FilePath"]), b64decode(given["Content"], validate=True)
    # A piece that is written again after a crash takes its own place, and not the end of the file.
    path.touch()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size if given["Offset"] is None else given["Offset"])
        file.write(data)
    outputs: dict[str, Any] = {"FilePath": str(path), "BytesWritten": len(data), "TotalBytes": path.stat().st_size, "Sha256": ""}
    if not given["IsLast"]:
        return "ChunkWritten", outputs
    with path.open("rb") as file:
        outputs["Sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    expected = given["ExpectedSha256"].lower()
    return ("Sha256Mismatch" if expected and expected != outputs["Sha256"] else "WriteComplete"), outputs


def send_result(given: dict[str, Any], place: Place) -> Performed:
    path = place.path(given["FilePath"])
    if not path.is_relative_to(Path(place.staging).resolve()):
        raise WorldError("Only a file of the run's own folder can be its answer.")
    return "", {"StagingFilePath": str(path), "OutputKey": given["OutputKey"], "Bytes": path.stat().st_size}


PERFORMERS: Mapping[str, Performer] = {
    "read-file": read_file,
    "read-file-buffered": read_file_buffered,
    "write-file": write_file,
    "read-json": read_json,
    "write-json": write_json,
    "list-files": list_files,
    "copy-file": copy_file,
    "chunked-write": chunked_write,
    "send-result": send_result,
}
