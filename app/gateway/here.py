"""Which hub this web process speaks for."""

from __future__ import annotations

from flask import current_app

from schema.settings import Settings


def settings() -> Settings:
    """The settings of the running app."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def hub_id() -> str:
    """The id of our hub, in every row it writes."""
    return settings().hub
