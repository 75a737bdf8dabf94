"""What beacons can do, and what a provider of one's own is made of. See `beacon.providers.contract`."""

from beacon.providers.contract import Action, Cancelled, Context, Outputs, Provider, ProviderError, Setting, TimedOut

__all__ = ["Action", "Cancelled", "Context", "Outputs", "Provider", "ProviderError", "Setting", "TimedOut"]
