"""One log for all processes: constant event words, identifiers as fields, never a body or a secret."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from schema.settings import Settings
from tasks.frame import current


def _envelope_ids(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    envelope = current.get()
    if envelope is not None:
        event.update(envelope=envelope.id, command=envelope.command.name, lane=envelope.command.lane)
        if envelope.request_id:
            event["request_id"] = envelope.request_id
    return event


def configure(settings: Settings) -> None:
    """Write our own events in the format that the settings ask for, at their level."""
    renderer: Any = structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            _envelope_ids,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        cache_logger_on_first_use=True,
    )
