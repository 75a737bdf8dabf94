"""The beacon's own parts serve the contract too, and so does the web process with its worker."""

from tests.app.conftest import environment, idle, migrated, settings, transport, worker
from tests.app.sockets.conftest import start_web, web
from tests.beacon.conftest import hub, start_beacon
from tests.contracts.running import own_hub, real_hub

__all__ = ["environment", "hub", "idle", "migrated", "own_hub", "real_hub", "settings", "start_beacon", "start_web", "transport", "web", "worker"]
