"""How any place in the edge says no: one exception, raised by `refuse`, which `app.answers` turns into the error body."""

from __future__ import annotations

from typing import Any, NoReturn

from schema.errors import CODES, UltravisorError


class Refusal(UltravisorError):
    """The request is declined before it became a command; nothing was stored. `code` is a word of `schema.errors.CODES`."""

    def __init__(self, code: str, text: str | None = None, **details: Any) -> None:
        super().__init__(text or CODES[code][1], **details)
        self.code = code


def refuse(code: str, text: str | None = None, **details: Any) -> NoReturn:
    """Decline the request. `details` stand in the error body beside Error and Code, in wire names."""
    raise Refusal(code, text, **details)
