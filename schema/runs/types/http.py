"""HTTP: requests to addresses that the operator lets graphs reach (UV_RUN_PRIVATE_ADDRESSES). Names are resolved and judged before each call."""

from __future__ import annotations

import json
from typing import Any

from schema.runs.rules.address import look_up
from schema.runs.rules.tasks import Answer, Call
from schema.runs.types.base import Settings, Task, anything, brought, done, number, text
from schema.runs.types.world import WorldTask

TIMEOUT = 30_000


class _Get(Settings):
    URL = text("What is asked for.", required=True)
    Headers = anything("Headers: an object, or its JSON.", None)
    Destination = text("Where the answer is also written.")
    TimeoutMs = number("How long it may take.", TIMEOUT, 1, 3_600_000)


class GetJson(WorldTask):
    """Gets JSON."""

    name, title, category = "get-json", "Get JSON", "HTTP"
    brings = brought(Data="Any", StatusCode="Integer")
    form = _Get


class GetText(WorldTask):
    """Gets text."""

    name, title, category = "get-text", "Get text", "HTTP"
    brings = brought(Data="String", StatusCode="Integer")
    form = _Get


class _Send(_Get):
    Method = text("POST, PUT or PATCH.", default="POST")
    DataAddress = text("The address of what is sent; without one, Data is it.")
    Data = anything("What is sent.")


class SendJson(WorldTask):
    """Sends JSON."""

    name, title, category = "send-json", "Send JSON", "HTTP"
    brings = brought(Response="Any", StatusCode="Integer")
    form = _Send

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        if given["DataAddress"]:
            given = given | {"Data": look_up(given["DataAddress"], call.scope)}
        return super().carry_out(given, call)


class _Rest(_Get):
    Method = text("The method.", default="GET")
    ContentType = text("Of the body.", default="application/json")
    Body = anything("The body; what is no text becomes JSON.", None)
    Retries = number("Further tries where nobody answers, or with 5xx.", 0, 0, 20)
    RetryDelayMs = number("The pause between tries.", 1_000, 0, 600_000)


class RestRequest(WorldTask):
    """Makes a request of any kind. An answer of 400 and above is an error."""

    name, title, category = "rest-request", "REST request", "HTTP"
    begins = ("In",)
    brings = brought(Response="Any", StatusCode="Integer", ResponseHeaders="Object")
    form = _Rest


class _Header(Settings):
    HeadersAddress = text("The object to which it is added.", default="Operation.Headers")
    Name = text("The header's name.", required=True)
    Value = text("Its value.")


class AddHeader(Task):
    """Adds a header to an object, for the other tasks."""

    name, title, category = "add-header", "Add header", "HTTP"
    begins = ("In",)
    brings = brought(Headers="Object")
    form = _Header

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        before = look_up(given["HeadersAddress"], call.scope)
        headers = {**(before if isinstance(before, dict) else {}), given["Name"]: given["Value"]}
        return done(self, {"Headers": headers}, (given["HeadersAddress"], headers))


class _Meadow(Settings):
    Entity = text("The entity, as the endpoint names it.", required=True)
    Endpoint = text("Where the endpoints are: an address, or /1.0/<connection> for a database of this hub's own gateway.", required=True)
    Headers = anything("Headers: an object, or its JSON.", None)
    RecordID = text("The record's id.")
    RecordAddress = text("The address of the record that is sent; without one, Record is it.")
    Record = anything("The record that is sent.")
    Filter = text("A filter, e.g. FBV~Name~EQ~Ada.")
    PageSize = number("Records of one page.", 100, 1, 10_000)
    PageStart = number("Where the page begins.", 0)
    Destination = text("Where the answer is also written.")
    TimeoutMs = number("How long it may take.", TIMEOUT, 1, 3_600_000)


class _MeadowTask(WorldTask):
    category = "Meadow REST"
    event_out = "Done"
    brings = brought(Record="Any", StatusCode="Integer")
    form = _Meadow
    #: The method, and the path behind the endpoint; `{...}` are settings.
    method, path = "GET", "{Entity}/{RecordID}"

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        if given["RecordAddress"]:
            given = given | {"Record": look_up(given["RecordAddress"], call.scope)}
        if isinstance(given["Record"], str):
            given = given | {"Record": json.loads(given["Record"])}
        return super().carry_out(given | {"Method": self.method, "Path": self.path, "Main": self.main_output}, call)


class MeadowCreate(_MeadowTask):
    """Creates a record."""

    name, title, method, path = "meadow-create", "Create record", "POST", "{Entity}"


class MeadowRead(_MeadowTask):
    """Reads a record."""

    name, title = "meadow-read", "Read record"


class MeadowReads(_MeadowTask):
    """Reads a page of records."""

    name, title, path = "meadow-reads", "Read records", "{Entity}s/{PageStart}/{PageSize}"
    brings = brought(Records="Array", StatusCode="Integer")


class MeadowUpdate(_MeadowTask):
    """Changes a record."""

    name, title, method, path = "meadow-update", "Update record", "PUT", "{Entity}"


class MeadowDelete(_MeadowTask):
    """Deletes a record."""

    name, title, method = "meadow-delete", "Delete record", "DELETE"


class MeadowCount(_MeadowTask):
    """Counts records."""

    name, title, path = "meadow-count", "Count records", "{Entity}s/Count"
    brings = brought(Count="Any", StatusCode="Integer")


TYPES: tuple[type[Task], ...] = (
    *(GetJson, GetText, SendJson, RestRequest, AddHeader),
    *(MeadowCreate, MeadowRead, MeadowReads, MeadowUpdate, MeadowDelete, MeadowCount),
)
