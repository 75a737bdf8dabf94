"""A hub with a databeacon, as the gateway's tests have it."""

from tests.app.gateway.conftest import databeacon, settings, target_url  # noqa: F401 - fixtures are found by their names
