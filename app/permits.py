"""Which permission each route and each frame asks for: the one table. What is not in it is read by safe methods and operated by all others."""

from __future__ import annotations

from collections.abc import Mapping

from app.asking import SAFE
from schema.access.rules import ADMINISTER, OPERATE, PUBLIC, READ, SERVE

#: Pages and files that a browser needs before anybody is known; of pages themselves only the one to log in on.
OPEN_FILES = frozenset({"/login", "/static/<version>/<path:name>", "/favicon.ico"})

#: Method and route, where they ask for something else than their method says.
ROUTES: Mapping[str, str] = {
    **dict.fromkeys((f"GET {rule}" for rule in OPEN_FILES), PUBLIC),
    **dict.fromkeys(("GET /healthz", "GET /readyz", "GET /status"), PUBLIC),
    **dict.fromkeys(("POST /1.0/Authenticate", "GET /1.0/Authenticate/<username>/<password>", "GET /1.0/CheckSession"), PUBLIC),
    **dict.fromkeys(("GET /1.0/Deauthenticate", "POST /1.0/Deauthenticate", "POST /1.0/Session/Context/<context_key>"), PUBLIC),
    # The token in the body is what is judged, by the verb.
    "POST /Beacon/BootstrapAdmin": PUBLIC,
    # What beacons do. Registering, a JoinSecret in the body stands for a login; all else is about the session's own beacon.
    **dict.fromkeys(("POST /Beacon/Register", "POST /Beacon/<beacon_id>/Heartbeat", "POST /Beacon/Work/Poll", "DELETE /Beacon/<beacon_id>"), SERVE),
    **dict.fromkeys((f"POST /Beacon/Work/<work_item_hash>/{word}" for word in ("Complete", "Error", "Progress", "Upload")), SERVE),
    **dict.fromkeys((f"POST /Beacon/Work/{word}/Batch" for word in ("Complete", "Progress")), SERVE),
    # Whoever has logged in looks after their own password and tokens, also one who may only read.
    **dict.fromkeys(("POST /1.0/Me/ChangePassword", "PUT /1.0/Me/Token/<name>", "DELETE /1.0/Me/Token/<name>"), READ),
    **dict.fromkeys(("GET /1.0/Users", "POST /1.0/Users", "GET /1.0/User/<user_id>", "PUT /1.0/User/<user_id>"), ADMINISTER),
    **dict.fromkeys(("DELETE /1.0/User/<user_id>", "POST /1.0/User/<user_id>/SetPassword"), ADMINISTER),
    **dict.fromkeys(("GET /1.0/JoinSecrets", "PUT /1.0/JoinSecret/<name>", "DELETE /1.0/JoinSecret/<name>"), ADMINISTER),
    # A connection holds a password, and leads wherever it is told to.
    **dict.fromkeys(("POST /beacon/connection", "PUT /beacon/connection/<id>", "DELETE /beacon/connection/<id>"), ADMINISTER),
    **dict.fromkeys(("POST /beacon/connection/test", "POST /beacon/connection/<id>/schema/ensure"), ADMINISTER),
    # The original's clients GET what begins a run or switches schedules; and POST what only reads, for the length of its list.
    "GET /Operation/<operation_hash>/Execute": OPERATE,
    "POST /Manifest/Batch": READ,
    # What is drawn is audited before it is stored.
    "POST /OperationAudit": READ,
    "POST /Schedule/Preview": READ,
    # A traceback may hold what a command held; replaying one acts for whoever wanted it.
    **dict.fromkeys(("GET /api/dead-letters", "GET /api/dead-letters/<id>"), ADMINISTER),
    **dict.fromkeys(("POST /api/dead-letters/<id>/replay", "DELETE /api/dead-letters/<id>"), ADMINISTER),
}

#: Frames of the WebSocket, all of them.
FRAMES: Mapping[str, str] = {
    **dict.fromkeys(("BeaconRegister", "BeaconHeartbeat", "WorkProgress", "WorkComplete", "WorkError", "WorkResultUpload", "Deregister"), SERVE),
    **dict.fromkeys(("QueueSubscribe", "QueueUnsubscribe", "Subscribe", "Unsubscribe"), READ),
}


def wanted(method: str, rule: str | None) -> str:
    """The permission that a method at a route asks for; at no route, what its method says."""
    reads = method in SAFE
    return ROUTES.get(f"{'GET' if reads else method} {rule}", READ if reads else OPERATE)
