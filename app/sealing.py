"""Secrets that arrive in requests: sealed here, before they become part of a command. Nothing in this process opens them again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import current_app

from app.refusing import refuse
from schema.gateway.rules.kinds import split_secrets
from schema.mesh.catalog import MANAGEMENT
from schema.sealing import mark, seal
from schema.settings import Settings


def sealed(secrets: Mapping[str, Any]) -> tuple[str, str]:
    """The secrets' token and mark."""
    if not secrets:
        return "", ""
    key = _key()
    return seal(key, secrets), mark(key, secrets)


def discreet(capability: str, action: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of an item, without the secret of a connection that it shall make: sealed, as it would be by the route that does the same."""
    config = settings.get("Config")
    if (capability, action) != (MANAGEMENT, "CreateConnection") or not isinstance(config, dict):
        return settings
    plain, secrets = split_secrets(config)
    token, known = sealed(secrets)
    return {**settings, "Config": plain, "Sealed": token, "Mark": known} if secrets else settings


def _key() -> str:
    """The operator's key, else that of the data folder: the worker or `ultravisor up` makes it at the first start."""
    settings: Settings = current_app.config["SETTINGS"]
    if settings.secret_key:
        return settings.secret_key
    try:
        return Path(settings.data, "secret.key").read_text().strip()
    except OSError:
        refuse("unavailable", "There is no key for secrets yet: set UV_SECRET_KEY, or start a worker on this data folder.")
