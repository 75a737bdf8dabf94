"""What all wire forms share: strict objects, JSON-shaped free fields."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

#: Longest text of a name-like field; the columns are as wide.
NAME = validate.Length(min=1, max=128)
SHORT = validate.Length(max=128)


class Wire(Schema):
    """An object with known fields only: an unknown one is a mistake that the sender should hear of."""

    class Meta:
        unknown = RAISE


class FreeObject(fields.Dict):
    """Any JSON object, kept as it is. `None` counts as empty where the field has a default."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=fields.String(), **kwargs)


def no_nul(value: str) -> None:
    """PostgreSQL stores no NUL in text. Raises ValidationError."""
    if "\x00" in value:
        raise ValidationError("NUL characters cannot be stored.")
