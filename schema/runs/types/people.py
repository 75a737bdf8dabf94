"""User interaction: what people are asked, and told."""

from __future__ import annotations

import json
from typing import Any

from schema.runs.rules.address import look_up
from schema.runs.rules.tasks import Answer, Ask, Call, Fail, Fire
from schema.runs.types.base import Settings, Task, anything, brought, done, number, text


class _Input(Settings):
    PromptMessage = text("What is asked.", default="A value is needed.")
    OutputAddress = text("Where the answer is written.", required=True)
    InputType = text("text, number, boolean, choice, file.", default="text")
    DefaultValue = anything("Taken without asking, if there is one.", None)
    Options = anything("What can be chosen: a list, or its JSON.", None)
    TimeoutMs = number("After this the event Cancelled leaves; 0: it waits for ever.", 0, 0, 604_800_000)


class ValueInput(Task):
    """Waits for a value. One that lies at the address already, or a default, is taken without asking."""

    name, title, category = "value-input", "Value input", "User Interaction"
    begins, event_out, more_events, error_event = ("RequestInput",), "ValueInputComplete", ("Cancelled",), "Error"
    brings = brought(InputValue="Any")
    form = _Input

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        address = given["OutputAddress"]
        # In a loop each round asks anew: what the last round wrote is no answer to this one.
        known = look_up(address, call.scope) if call.execution == 1 else None
        value = given["DefaultValue"] if known in (None, "") else known
        if value not in (None, ""):
            return done(self, {"InputValue": value}, (address, value))
        options = given["Options"]
        options = json.loads(options) if isinstance(options, str) and options.strip() else options
        return Ask(
            given["PromptMessage"],
            address,
            self.event_out,
            "Cancelled",
            given["TimeoutMs"] or 0,
            {"InputType": given["InputType"], "Options": options or []},
        )


class _Option(Settings):
    OptionsAddress = text("The list to which it is added.", default="Operation.Options")
    Value = anything("What is chosen.", "")
    Label = text("How it is shown.")


class AddOption(Task):
    """Adds something to choose from to a list, for value-input."""

    name, title, category = "add-option", "Add option", "User Interaction"
    begins = ("In",)
    brings = brought(Options="Array")
    form = _Option

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        before = look_up(given["OptionsAddress"], call.scope)
        options = [*(before if isinstance(before, list) else []), {"Value": given["Value"], "Label": given["Label"] or str(given["Value"])}]
        return done(self, {"Options": options}, (given["OptionsAddress"], options))


class _Message(Settings):
    MessageTemplate = text("What is said.", required=True)
    Level = text("info, warning or error.", default="error")


class ErrorMessage(Task):
    """Writes a message into the run's log. It ends nothing: what failed has counted already where nobody took its error."""

    name, title, category = "error-message", "Error message", "User Interaction"
    error_event = ""
    brings = brought(Message="String")
    form = _Message

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        level = given["Level"].lower()
        if level not in ("info", "warning", "error"):
            return Fail("Level is info, warning or error.")
        return Fire(self.event_out, {"Message": given["MessageTemplate"]}, log=(f"{level}: {given['MessageTemplate']}",))


TYPES: tuple[type[Task], ...] = (ValueInput, AddOption, ErrorMessage)
