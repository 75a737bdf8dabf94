"""Data transform: values and texts within the run's state. All of it is computed inside the engine's own transaction."""

from __future__ import annotations

import json
import random
import string
from base64 import b64decode, b64encode
from typing import Any

import marshmallow as ma
import regex

from schema.runs.expressions import solved
from schema.runs.rules.address import look_up
from schema.runs.rules.tasks import Answer, Call, Fail, Fire
from schema.runs.rules.templates import LONGEST, shown
from schema.runs.types.base import Settings, Task, anything, brought, done, flag, number, text

#: Seconds that a regular expression may take: one that explodes must not hold the lane.
REGEX_SECONDS = 0.2


class _SetValue(Settings):
    Value = anything("The value.", "")
    ToAddress = text("Where it is written.", required=True)


class SetValue(Task):
    """Writes a value to an address."""

    name, title, category = "set-value", "Set value", "Data Transform"
    begins = ("Execute",)
    brings = brought(WrittenValue="Any")
    form = _SetValue

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        return done(self, {"WrittenValue": given["Value"]}, (given["ToAddress"], given["Value"]))


class _SetValues(Settings):
    Mappings = anything("A list of {From, To} or {Value, To}, or an object of address and value; or its JSON.")


class SetValues(Task):
    """Writes several values at once."""

    name, title, category = "set-values", "Set values", "Data Transform"
    begins = ("Execute",)
    brings = brought(WrittenCount="Integer")
    form = _SetValues

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        mappings = json.loads(given["Mappings"]) if isinstance(given["Mappings"], str) else given["Mappings"]
        if isinstance(mappings, dict):
            writes = list(mappings.items())
        elif isinstance(mappings, list) and all(isinstance(row, dict) for row in mappings):
            writes = [(str(row.get("To") or ""), look_up(row["From"], call.scope) if row.get("From") else row.get("Value")) for row in mappings]
        else:
            return Fail("Mappings must be a list of mappings, or an object.")
        return done(self, {"WrittenCount": len(writes)}, *writes)


class _Template(Settings):
    Template = text("The text; its tags have been filled.", required=True)
    Destination = text("Where the result is also written.")


class TemplateString(Task):
    """Fills a template."""

    name, title, category = "template-string", "Template string", "Data Transform"
    begins = ("In",)
    brings = brought(Result="String")
    form = _Template

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        return done(self, {"Result": given["Template"]}, (given["Destination"], given["Template"]))


class _Replace(Settings):
    InputString = text("The text.", required=True)
    SearchString = text("What is looked for.", required=True)
    ReplaceString = text("What takes its place.")
    UseRegex = flag("SearchString is a regular expression.")
    CaseSensitive = flag("Upper and lower case differ.", True)


class ReplaceString(Task):
    """Replaces each place where a text or a regular expression is found."""

    name, title, category = "replace-string", "Replace string", "Data Transform"
    begins, event_out = ("Replace",), "ReplaceComplete"
    brings = brought(ReplacedString="String", ReplacementCount="Integer")
    form = _Replace

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        pattern = given["SearchString"] if given["UseRegex"] else regex.escape(given["SearchString"])
        # A plain replacement is taken as it stands, not as a text with references in it.
        replacement = given["ReplaceString"] if given["UseRegex"] else lambda _: given["ReplaceString"]
        try:
            options = 0 if given["CaseSensitive"] else regex.IGNORECASE
            result, count = regex.subn(pattern, replacement, given["InputString"], flags=options, timeout=REGEX_SECONDS)
        except (regex.error, TimeoutError, IndexError) as error:
            return Fail(f"The regular expression cannot be used: {error or 'it takes too long'}")
        return done(self, {"ReplacedString": result, "ReplacementCount": count})


class _Append(Settings):
    InputString = text("What is appended.", required=True)
    OutputAddress = text("The text to which it is appended.", required=True)
    AppendNewline = flag("End it with a new line.")
    Separator = text("What stands between two of them.")


class StringAppender(Task):
    """Appends to a text in the run's state."""

    name, title, category = "string-appender", "String appender", "Data Transform"
    begins, event_out = ("Append",), "Completed"
    brings = brought(AppendedString="String")
    form = _Append

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        before = shown(look_up(given["OutputAddress"], call.scope))
        parts = [before, given["Separator"] if before else "", given["InputString"], "\n" if given["AppendNewline"] else ""]
        result = "".join(parts)
        if len(result) > LONGEST:
            return Fail(f"The text would be longer than {LONGEST} characters.")
        return done(self, {"AppendedString": result}, (given["OutputAddress"], result))


class _Expression(Settings):
    Expression = text("The expression.", required=True)
    Destination = text("Where the result is also written.")


class ExpressionSolver(Task):
    """Computes an expression over the run's values."""

    name, title, category = "expression-solver", "Expression solver", "Data Transform"
    begins = ("In",)
    brings = brought(Result="Any")
    form = _Expression

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        result = solved(given["Expression"], call.scope)
        return done(self, {"Result": result}, (given["Destination"], result))


class _RandomNumber(Settings):
    Min = ma.fields.Float(load_default=0.0)
    Max = ma.fields.Float(load_default=100.0)
    Integer = flag("Whole numbers only.", True)
    Destination = text("Where it is also written.")


class RandomNumber(Task):
    """Draws a number. The same execution of the same run draws the same: a run that is computed again after a crash does not change its mind."""

    name, title, category = "random-number", "Random number", "Data Transform"
    begins = ("Generate",)
    brings = brought(Value="Number")
    form = _RandomNumber

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        least, most = sorted((given["Min"], given["Max"]))
        chance = random.Random(call.seed)  # noqa: S311 - an example of chance, not a secret
        value = chance.randint(int(least), int(most)) if given["Integer"] else chance.uniform(least, most)
        return done(self, {"Value": value}, (given["Destination"], value))


class _RandomString(Settings):
    Length = number("Characters.", 16, 1, 10_000)
    Format = text("hex, alpha, numeric or alphanumeric.", default="alphanumeric")
    Destination = text("Where it is also written.")


class RandomString(Task):
    """Draws a text. As predictable as a number of random-number; no password should come of it."""

    name, title, category = "random-string", "Random string", "Data Transform"
    begins = ("Generate",)
    brings = brought(Value="String")
    form = _RandomString

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        alphabet = _ALPHABETS.get(given["Format"].lower())
        if alphabet is None:
            return Fail(f"Format is one of {', '.join(_ALPHABETS)}.")
        chance = random.Random(call.seed)  # noqa: S311 - an example of chance, not a secret
        value = "".join(chance.choices(alphabet, k=given["Length"]))
        return done(self, {"Value": value}, (given["Destination"], value))


_ALPHABETS = {
    "alphanumeric": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "numeric": string.digits,
    "hex": "0123456789abcdef",
}


class _Counter(Settings):
    CounterName = text("The counter's name.", default="Counter")
    OutputAddress = text("Where the count is also written.")


class EventCounter(Task):
    """Counts its signals; Reset begins anew."""

    name, title, category = "event-counter", "Event counter", "Data Collection"
    begins, more_events, error_event = ("Trigger", "Reset"), ("ResetComplete",), ""
    brings = brought(Count="Integer")
    form = _Counter

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        before = call.scope.outputs(call.scope.task) or {}
        reset = call.trigger == "Reset"
        count = 0 if reset else int(before.get("Count") or 0) + 1
        writes = ((given["OutputAddress"], count),) if given["OutputAddress"] else ()
        return Fire("ResetComplete" if reset else "Complete", {"Count": count}, writes)


class _Field(Settings):
    MappingsAddress = text("The list to which the mapping is added.", default="Operation.Mappings")
    From = text("The address that is read.", required=True)
    To = text("The address that is written.", required=True)


class AddFieldMapping(Task):
    """Adds a mapping to a list, for set-values or csv-transform."""

    name, title, category = "add-field-mapping", "Add field mapping", "Data Transform"
    begins = ("In",)
    brings = brought(Mappings="Array")
    form = _Field

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        before = look_up(given["MappingsAddress"], call.scope)
        mappings = [*(before if isinstance(before, list) else []), {"From": given["From"], "To": given["To"]}]
        return done(self, {"Mappings": mappings}, (given["MappingsAddress"], mappings))


class _Encode(Settings):
    InputString = text("The text.", required=True)
    Destination = text("Where the result is also written.")


class Base64Encode(Task):
    """Encodes a text as base64."""

    name, title, category = "base64-encode", "Base64 encode", "Platform"
    brings = brought(Result="String")
    form = _Encode

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        result = b64encode(given["InputString"].encode()).decode()
        return done(self, {"Result": result}, (given["Destination"], result))


class Base64Decode(Task):
    """Decodes base64 to a text; bytes that are no UTF-8 are an error."""

    name, title, category = "base64-decode", "Base64 decode", "Platform"
    brings = brought(Result="String")
    form = _Encode

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        result = b64decode(given["InputString"], validate=True).decode()
        return done(self, {"Result": result}, (given["Destination"], result))


TYPES: tuple[type[Task], ...] = (
    SetValue,
    SetValues,
    TemplateString,
    ReplaceString,
    StringAppender,
    ExpressionSolver,
    RandomNumber,
    RandomString,
    EventCounter,
    AddFieldMapping,
    Base64Encode,
    Base64Decode,
)
