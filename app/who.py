"""Who asks. A session or a token will decide it once there is a login; nothing else in the edge looks at credentials."""

from __future__ import annotations

import re

from flask import request

from app.refusing import refuse
from schema.base import ANONYMOUS, Actor

#: Our own beacons name themselves with it; others are told by the id in path or body, which the verb checks.
BEACON_HEADER = "X-Beacon-ID"

_BEACON_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def actor() -> Actor:
    """The actor of this request: a beacon that names itself, else anonymous, which in open mode is everybody."""
    named = request.headers.get(BEACON_HEADER)
    if named is None:
        return ANONYMOUS
    if not _BEACON_ID.fullmatch(named):
        refuse("bad_request", f"{BEACON_HEADER} is no id of a beacon.")
    return Actor("beacon", named)
