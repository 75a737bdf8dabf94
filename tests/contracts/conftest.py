"""The beacon's own parts serve the contract too."""

from tests.beacon.conftest import hub, start_beacon

__all__ = ["hub", "start_beacon"]
