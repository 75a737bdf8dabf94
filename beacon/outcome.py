"""Carrying an attempt out and saying what became of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal

from beacon.context import WorkContext
from beacon.events import note
from beacon.files import ResultFile
from beacon.providers.contract import ProviderError, Providers


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the hub is told: a result (Complete), or why there is none (Error)."""

    kind: Literal["Complete", "Error"]
    body: dict[str, Any]
    #: What the hub must have before it hears of the result.
    files: tuple[ResultFile, ...] = ()


def failed(message: str) -> Outcome:
    return Outcome("Error", {"ErrorMessage": message})


def outcome_of(context: WorkContext, providers: Providers) -> Outcome:
    """Does the work. Never raises: whatever a provider throws, even SystemExit, is a failed attempt."""
    item = context.item
    provider = providers.get(item.capability)
    if provider is None:
        return failed(f"This beacon has no capability {item.capability}; it has {', '.join(sorted(providers))}.")
    try:
        outputs: Any = provider.execute(item.action, item.settings, context)
    except ProviderError as trouble:
        return failed(str(trouble))
    except BaseException as trouble:  # noqa: BLE001 - foreign code; the slot and the report must survive it
        # The text goes to the hub only: a foreign exception may quote settings, and those are never logged here.
        note(logging.ERROR, "provider_broke", item=item.hash, capability=item.capability, error=type(trouble).__name__)
        return failed(f"{type(trouble).__name__}: {trouble}")
    if not isinstance(outputs, dict):
        return failed(f"The provider of {item.capability} returned {type(outputs).__name__}, not a dict.")
    return Outcome("Complete", {"Outputs": outputs}, tuple(context.files(outputs)))
