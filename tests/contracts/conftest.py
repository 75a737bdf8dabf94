"""The beacon's own parts serve the contract too, and so does the web process with its worker."""

from tests.app.conftest import environment, idle, settings, transport, worker
from tests.app.sockets.conftest import start_web, web
from tests.beacon.conftest import hub, start_beacon

__all__ = ["environment", "hub", "idle", "settings", "start_beacon", "start_web", "transport", "web", "worker"]
