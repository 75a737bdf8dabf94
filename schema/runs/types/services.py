"""Families that beacons of a certain capability carry out: language models, and content systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from schema.runs.rules.address import look_up
from schema.runs.rules.tasks import Answer, Call, Dispatch, Fail, Fire
from schema.runs.types.base import Settings, Task, anything, brought, done, number, text
from schema.runs.types.beacons import _Routed, dispatch


class ServiceTask(Task):
    """Settings go to the beacon as they are, but for those that say which beacon and how."""

    tier = "Service"
    does: ClassVar[str]

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        sent = {name: value for name, value in given.items() if name not in _Routed().fields and value not in (None, "")}
        return dispatch(self.capability, self.does, self.sent(sent, call), given)

    def sent(self, settings: dict[str, Any], call: Call) -> dict[str, Any]:
        return settings


class _Chat(_Routed):
    Model = text("The model.")
    SystemPrompt = text("What the model is told first.")
    UserPrompt = text("What it is asked.")
    MessagesAddress = text("The address of a list of messages.")
    ConversationAddress = text("Where the conversation is kept: what is asked and answered is added there.")
    Temperature = anything("How freely it answers.", None)
    MaxTokens = number("The longest answer.", None, 1)


class _Model(ServiceTask):
    category, capability = "LLM", "LLM"
    brings = brought(Content="String", Model="String", FinishReason="String")
    form = _Chat

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        order = super().carry_out(given, call)
        address = given["ConversationAddress"]
        if not address or not isinstance(order, Dispatch):
            return order
        said = [{"Role": "user", "Content": given["UserPrompt"]}] if given["UserPrompt"] else []
        return replace(order, kept={"Address": address, "Conversation": [*_messages(address, call), *said]})

    def sent(self, settings: dict[str, Any], call: Call) -> dict[str, Any]:
        addresses = [settings.pop(name, "") for name in ("ConversationAddress", "MessagesAddress")]
        messages = [message for address in addresses if address for message in _messages(address, call)]
        return settings | {"Messages": messages} if messages else settings

    def conclude(self, settings: Mapping[str, Any], outputs: Mapping[str, Any], event: str) -> Fire | Fail:
        made = super().conclude(settings, outputs, event)
        if not settings.get("Address") or not isinstance(made, Fire):
            return made
        answer = {"Role": "assistant", "Content": outputs.get("Content") or ""}
        answer |= {"ToolCalls": outputs["ToolCalls"]} if outputs.get("ToolCalls") else {}
        return replace(made, writes=(*made.writes, (settings["Address"], [*settings["Conversation"], answer])))


def _messages(address: str, call: Call) -> list[Any]:
    """The conversation at that address. Raises ValueError for what is none."""
    found = look_up(address, call.scope)
    if found is not None and not isinstance(found, list):
        raise ValueError(f"{address} holds no list of messages")
    return found or []


class LlmChatCompletion(_Model):
    """Has a language model answer."""

    name, title, does = "llm-chat-completion", "LLM chat completion", "ChatCompletion"


class _Tools(_Chat):
    ToolsAddress = text("The address of a list of tools.", default="Operation.Tools")


class LlmToolUse(_Model):
    """Has a language model answer or call a tool; then the event ToolCall leaves."""

    name, title, does, more_events = "llm-tool-use", "LLM tool use", "ToolUse", ("ToolCall",)
    brings = brought(Content="String", ToolCalls="Array", Model="String")
    form = _Tools

    def sent(self, settings: dict[str, Any], call: Call) -> dict[str, Any]:
        tools = look_up(settings.pop("ToolsAddress", "Operation.Tools"), call.scope)
        return super().sent(settings, call) | {"Tools": tools or []}

    def conclude(self, settings: Mapping[str, Any], outputs: Mapping[str, Any], event: str) -> Fire | Fail:
        return super().conclude(settings, outputs, event or ("ToolCall" if outputs.get("ToolCalls") else ""))


class _Embed(_Routed):
    Model = text("The model.")
    Text = text("What is embedded.", required=True)


class LlmEmbedding(ServiceTask):
    """Has a language model turn a text into numbers."""

    name, title, category, capability, does = "llm-embedding", "LLM embedding", "LLM", "LLM", "Embedding"
    brings = brought(Embedding="Array", Model="String")
    form = _Embed


class _Message(Settings):
    MessagesAddress = text("The list to which it is added.", default="Operation.Messages")
    Role = text("system, user or assistant.", default="user")
    Content = text("The message.", required=True)


class AddMessage(Task):
    """Adds a message to a conversation."""

    name, title, category = "add-message", "Add message", "LLM"
    begins = ("In",)
    brings = brought(Messages="Array")
    form = _Message

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        before = look_up(given["MessagesAddress"], call.scope)
        messages = [*(before if isinstance(before, list) else []), {"Role": given["Role"], "Content": given["Content"]}]
        return done(self, {"Messages": messages}, (given["MessagesAddress"], messages))


class _Tool(Settings):
    ToolsAddress = text("The list to which it is added.", default="Operation.Tools")
    Name = text("The tool's name.", required=True)
    Description = text("What it does.")
    Parameters = anything("The JSON schema of its parameters.", None)


class AddTool(Task):
    """Adds a tool that a language model may call."""

    name, title, category = "add-tool", "Add tool", "LLM"
    begins = ("In",)
    brings = brought(Tools="Array")
    form = _Tool

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        before = look_up(given["ToolsAddress"], call.scope)
        tool = {"Name": given["Name"], "Description": given["Description"], "Parameters": given["Parameters"] or {}}
        tools = [*(before if isinstance(before, list) else []), tool]
        return done(self, {"Tools": tools}, (given["ToolsAddress"], tools))


class _Path(_Routed):
    FilePath = text("The path within the content system.", required=True)


class _Saved(_Path):
    Content = text("What is saved.")


class _Content(ServiceTask):
    category, capability = "Content System", "ContentSystem"
    brings = brought(Result="Any")
    form = _Path


class ContentReadFile(_Content):
    """Reads a file of a content system."""

    name, title, does = "content-read-file", "Read content", "ReadFile"
    brings = brought(Content="String")


class ContentSaveFile(_Content):
    """Saves a file in a content system."""

    name, title, does, form = "content-save-file", "Save content", "SaveFile", _Saved


class ContentListFiles(_Content):
    """Lists the files of a content system."""

    name, title, does = "content-list-files", "List content", "ListFiles"
    brings = brought(Files="Array")


class ContentCreateFolder(_Content):
    """Makes a folder in a content system."""

    name, title, does = "content-create-folder", "Create content folder", "CreateFolder"


TYPES: tuple[type[Task], ...] = (
    *(LlmChatCompletion, LlmEmbedding, LlmToolUse, AddMessage, AddTool),
    *(ContentReadFile, ContentSaveFile, ContentListFiles, ContentCreateFolder),
)
