"""File system: within the run's staging folder, and the folders that the operator allows (UV_RUN_FOLDERS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.runs.rules.address import look_up
from schema.runs.rules.tasks import Answer, Call, Fail, Fire
from schema.runs.types.base import Settings, Task, anything, brought, flag, number, text
from schema.runs.types.world import WorldTask

#: Bytes that one task reads at most: outputs are part of the run's rows.
MOST_BYTES = 16_777_216


class _Read(Settings):
    FilePath = text("The file; a relative path is one in the staging folder.", required=True)
    Encoding = text("Of the text.", default="utf8")
    MaxBytes = number("Read at most so many bytes; 0: as many as a task may.", 0, 0, MOST_BYTES)
    Destination = text("Where the content is also written.")


class ReadFile(WorldTask):
    """Reads a file as text."""

    name, title, category = "read-file", "Read file", "File System"
    begins, event_out = ("BeginRead",), "ReadComplete"
    brings = brought(FileContent="String", BytesRead="Integer", FileName="String")
    form = _Read


class _Buffered(_Read):
    Offset = number("The byte at which it begins; without one, after what the last execution read.", None, 0, 2**53)
    ChunkBytes = number("Bytes of one piece.", 65_536, 1, MOST_BYTES)


class ReadFileBuffered(WorldTask):
    """Reads a piece of a file; DataRead while there is more, ReadComplete with the last."""

    name, title, category = "read-file-buffered", "Read file, buffered", "File System"
    begins, event_out, more_events = ("BeginRead",), "ReadComplete", ("DataRead",)
    brings = brought(FileContent="String", BytesRead="Integer", NextOffset="Integer", FileName="String")
    form = _Buffered


class _Write(Settings):
    FilePath = text("The file; a relative path is one in the staging folder.", required=True)
    Content = anything("What is written; what is no text becomes JSON.", "")
    Encoding = text("Of the text.", default="utf8")
    Append = flag("Add it to what is there.")
    LineEnding = text("lf, crlf, or empty: as it is.")


class WriteFile(WorldTask):
    """Writes a text to a file."""

    name, title, category = "write-file", "Write file", "File System"
    begins, event_out = ("BeginWrite",), "WriteComplete"
    brings = brought(FileLocation="String", FileName="String", FilePath="String", BytesWritten="Integer")
    form = _Write


class _ReadJson(Settings):
    FilePath = text("The file.", required=True)
    Destination = text("Where the value is also written.")


class ReadJson(WorldTask):
    """Reads a JSON file as a value."""

    name, title, category = "read-json", "Read JSON", "File System"
    brings = brought(Data="Any")
    form = _ReadJson


class _WriteJson(Settings):
    FilePath = text("The file.", required=True)
    DataAddress = text("The address of the value; without one, Data is it.")
    Data = anything("The value itself.")
    Pretty = flag("Indent it.", True)


class WriteJson(WorldTask):
    """Writes a value to a JSON file."""

    name, title, category = "write-json", "Write JSON", "File System"
    event_out = "Done"
    brings = brought(FilePath="String", BytesWritten="Integer")
    form = _WriteJson

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        if given["DataAddress"]:
            given = given | {"Data": look_up(given["DataAddress"], call.scope)}
        return super().carry_out(given, call)


class _List(Settings):
    Folder = text("The folder.", required=True)
    Pattern = text("Names that are listed, with * and ?.", default="*")
    Recursive = flag("Look below it, too.")
    IncludeDirectories = flag("List folders, too.")
    Destination = text("Where the list is also written.")


class ListFiles(WorldTask):
    """Lists the files of a folder."""

    name, title, category = "list-files", "List files", "File System"
    brings = brought(Files="Array", FileCount="Integer")
    form = _List


class _Copy(Settings):
    Source = text("The file.", required=True)
    TargetFile = text("Its copy.", required=True)
    Overwrite = flag("Replace what is there.", True)


class CopyFile(WorldTask):
    """Copies a file."""

    name, title, category = "copy-file", "Copy file", "File System"
    event_out = "Done"
    brings = brought(TargetFile="String", BytesCopied="Integer")
    form = _Copy


class _Chunk(Settings):
    FilePath = text("The file.", required=True)
    Content = text("The piece, as base64.", required=True)
    Offset = number("The byte at which it is written; without one, at the end.", None, 0, 2**53)
    IsLast = flag("This is the last piece.")
    ExpectedSha256 = text("What the whole file must come to, once the last piece is written.")


class ChunkedWrite(WorldTask):
    """Writes a file piece by piece, and checks the whole."""

    name, title, category = "chunked-write", "Chunked write", "File System"
    begins, event_out, more_events = ("BeginChunkWrite",), "ChunkWritten", ("WriteComplete", "Sha256Mismatch")
    brings = brought(FilePath="String", BytesWritten="Integer", TotalBytes="Integer", Sha256="String")
    form = _Chunk


class _Send(Settings):
    FilePath = text("The file that is the run's answer.", required=True)
    OutputKey = text("Its name.", default="Result")


class SendResult(WorldTask):
    """Makes a file of the staging folder the run's answer: a synchronous trigger gets its bytes."""

    name, title, category = "send-result", "Send result", "Platform"
    brings = brought(StagingFilePath="String", OutputKey="String", Bytes="Integer")
    form = _Send

    def conclude(self, settings: Mapping[str, Any], outputs: Mapping[str, Any], event: str) -> Fire | Fail:
        return Fire(self.event_out, outputs, ((f"Output.{settings.get('OutputKey') or 'Result'}", outputs.get("StagingFilePath")),))


TYPES: tuple[type[Task], ...] = (ReadFile, ReadFileBuffered, WriteFile, ReadJson, WriteJson, ListFiles, CopyFile, ChunkedWrite, SendResult)
