"""Which road a beacon takes to its hub."""

from __future__ import annotations

from beacon.http_transport import HttpTransport
from beacon.mixed_transport import MixedTransport
from beacon.settings import Settings, SettingsError
from beacon.socket_line import available
from beacon.socket_transport import SocketTransport
from beacon.transport import Transport


def transport_of(settings: Settings) -> Transport:
    """Raises: SettingsError when a WebSocket is demanded and this machine lacks the library for it."""
    if settings.transport == "websocket":
        if not available():
            raise SettingsError("--transport websocket needs the package websocket-client; auto and http do without it.")
        return SocketTransport(settings.server_url)
    if settings.transport == "auto" and available():
        return MixedTransport(settings.server_url)
    return HttpTransport(settings.server_url)
