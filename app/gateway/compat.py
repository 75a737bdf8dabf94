"""Answers as older clients expect them: a body that tells the outcome, and where the operator wants it, status 200 whatever it tells."""

from __future__ import annotations

import orjson
from flask import Response

from app.gateway.here import settings


def told(response: Response) -> Response:
    """A failure says `Success: false` too."""
    if response.status_code < 400 or response.mimetype != "application/json":
        return response
    body = orjson.loads(response.get_data())
    response.set_data(orjson.dumps({"Success": False, **body}))
    if settings().compat_status_200 and response.status_code < 500:
        response.status_code = 200
    return response
