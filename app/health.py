"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import redis
from flask import Response

from app.answers import Blueprint, failure, shown
from app.broker import broker
from app.reading import reader
from schema.errors import Unavailable

health = Blueprint("health", __name__, description="Is it alive, is it ready?")


@health.route("/healthz")
@health.response(200)
def alive() -> Response:
    """The process answers; nothing else is asked."""
    return shown({"Status": "Alive"})


@health.route("/readyz")
@health.response(200)
@health.alt_response(503, description="Something is missing; Missing lists all of it.")
def ready() -> Response:
    """The database is complete and the broker answers."""
    missing = _of_database() + _of_broker()
    return failure("not_ready", Missing=missing) if missing else shown({"Status": "Ready"})


def _of_database() -> list[str]:
    try:
        return reader().missing()
    except Unavailable:
        return ["database"]


def _of_broker() -> list[str]:
    try:
        broker().quick.ping()
    except redis.RedisError:
        return ["broker"]
    return []
