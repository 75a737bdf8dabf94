"""A task type: one class with its settings as a marshmallow schema. What clients are shown of it follows from the class."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import EXCLUDE

from schema.runs.rules.tasks import Answer, Call, Fail, Fire
from schema.runs.rules.templates import shown

#: A value's type as clients are told it.
_DATA_TYPES: tuple[tuple[type[Any], str], ...] = (
    (ma.fields.Integer, "Integer"),
    (ma.fields.Number, "Number"),
    (ma.fields.Boolean, "Boolean"),
    (ma.fields.Dict, "Object"),
    (ma.fields.List, "Array"),
    (ma.fields.String, "String"),
)


class Text(ma.fields.String):
    """A text; another value becomes what a template would make of it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> str:
        text: str = super()._deserialize(value if isinstance(value, str) else shown(value), attr, data, **options)
        return text


class Anything(ma.fields.Field[Any]):
    """Any JSON value; a text in it is a template."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_none=True, **options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return value


def text(help: str, *, required: bool = False, default: Any = "") -> Text:
    """A setting that is a text."""
    more: dict[str, Any] = {"required": True, "validate": ma.validate.Length(min=1)} if required else {"load_default": default}
    return Text(metadata={"description": help}, **more)


def number(help: str, default: int | None, least: int = 0, most: int = 2**31 - 1) -> ma.fields.Integer:
    """A setting that is a whole number."""
    return ma.fields.Integer(load_default=default, allow_none=True, validate=ma.validate.Range(least, most), metadata={"description": help})


def flag(help: str, default: bool = False) -> ma.fields.Boolean:
    """A setting that is yes or no."""
    return ma.fields.Boolean(load_default=default, metadata={"description": help})


def anything(help: str, default: Any = None) -> Anything:
    """A setting of any type."""
    return Anything(load_default=default, metadata={"description": help})


def brought(**outputs: str) -> Mapping[str, str]:
    """The outputs of a task type, each with its data type."""
    return types.MappingProxyType(outputs)


class Settings(ma.Schema):
    """Settings of a task type. A card may carry more than its type knows: editors keep things there."""

    class Meta:
        unknown = EXCLUDE


class Task:
    """What all task types have. Subclasses say what they are, and how they answer."""

    name: ClassVar[str]
    title: ClassVar[str]
    category: ClassVar[str]
    capability: ClassVar[str] = "Engine"
    action: ClassVar[str] = ""
    tier: ClassVar[str] = "Engine"
    begins: ClassVar[tuple[str, ...]] = ("Trigger",)
    event_out: ClassVar[str] = "Complete"
    #: Further events that leave it.
    more_events: ClassVar[tuple[str, ...]] = ()
    error_event: ClassVar[str] = "Error"
    brings: ClassVar[Mapping[str, str]] = types.MappingProxyType({})
    form: ClassVar[type[Settings]] = Settings
    _loaded: ClassVar[Settings]

    def __init_subclass__(cls) -> None:
        cls._loaded = cls.form()

    @property
    def raw(self) -> frozenset[str]:
        return frozenset(name for name, field in self._loaded.fields.items() if isinstance(field, ma.fields.Dict | ma.fields.List))

    @property
    def defaults(self) -> Mapping[str, Any]:
        return {name: field.load_default for name, field in self._loaded.fields.items() if field.load_default is not ma.missing}

    def answer(self, settings: Mapping[str, Any], call: Call) -> Answer:
        """Judge the settings, then answer. Raises ValueError."""
        try:
            given = self._loaded.load(dict(settings))
        except ma.ValidationError as error:
            raise ValueError(f"{self.name}: {_said(error)}") from None
        return self.carry_out(given, call)

    def carry_out(self, given: dict[str, Any], call: Call) -> Answer:
        raise NotImplementedError

    def conclude(self, settings: Mapping[str, Any], outputs: Mapping[str, Any], event: str) -> Fire | Fail:
        destination = str(settings.get("Destination") or "")
        writes = ((destination, outputs.get(self.main_output)),) if destination else ()
        return Fire(event or self.event_out, outputs, writes)

    @property
    def main_output(self) -> str:
        """What a Destination is given: the first thing that it brings."""
        return next(iter(self.brings), "Result")

    def record(self) -> dict[str, Any]:
        """The definition as clients see it (ultravisor-hub 8.4)."""
        leaving = [{"Name": name} for name in (self.event_out, *self.more_events)]
        return {
            "Hash": self.name,
            "Type": self.name,
            "Name": self.title,
            "Description": (self.__doc__ or "").strip().partition("\n\n")[0],
            "Category": self.category,
            "Capability": self.capability,
            "Action": self.action or self.title.replace(" ", ""),
            "Tier": self.tier,
            "EventInputs": [{"Name": name} for name in self.begins],
            "EventOutputs": leaving + ([{"Name": self.error_event, "IsError": True}] if self.error_event else []),
            "SettingsInputs": [_setting(name, field) for name, field in self._loaded.fields.items()],
            "StateOutputs": [{"Name": name, "DataType": kind} for name, kind in self.brings.items()],
            "DefaultSettings": dict(self.defaults),
        }


def _setting(name: str, field: Any) -> dict[str, Any]:
    kind = next((said for of, said in _DATA_TYPES if isinstance(field, of)), "Any")
    return {"Name": name, "DataType": kind, "Required": field.required, "Description": field.metadata.get("description", "")}


def _said(error: ma.ValidationError) -> str:
    found = error.normalized_messages()  # type: ignore[no-untyped-call]  # marshmallow left it so
    return "; ".join(f"{name}: {' '.join(map(str, texts)) if isinstance(texts, list) else texts}" for name, texts in found.items())[:1_000]


def done(task: Task, outputs: Mapping[str, Any], *writes: tuple[str, Any], log: tuple[str, ...] = ()) -> Fire:
    """The usual end: its event, its outputs, and what it writes where an address is given."""
    return Fire(task.event_out, outputs, tuple(write for write in writes if write[0]), log)
