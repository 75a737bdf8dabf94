"""From the names on the command line to providers that work."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from beacon.providers.contract import Action, Provider, Providers
from beacon.providers.file_system import FileSystem
from beacon.providers.shell import Shell
from beacon.providers.synthetic import Synthetic
from beacon.settings import Settings, SettingsError

BUILT_IN: dict[str, Callable[[Settings], Provider]] = {
    "Shell": lambda _: Shell(),
    "FileSystem": lambda settings: FileSystem(settings.allowed_folders),
    "Synthetic": lambda settings: Synthetic(settings.synthetic_capability, settings.synthetic_actions, settings.synthetic_duration_ms),
}


def load(settings: Settings) -> Providers:
    """Each named provider under its capability.

    Raises: SettingsError for a name that leads nowhere, a class that is no provider, and two providers of one capability.
    """
    providers: dict[str, Provider] = {}
    for name in dict.fromkeys(settings.providers):
        provider = BUILT_IN[name](settings) if name in BUILT_IN else _of_ones_own(name)
        if provider.capability in providers:
            raise SettingsError(f"Two providers have the capability {provider.capability}.")
        providers[provider.capability] = provider
    return providers


def _of_ones_own(name: str) -> Provider:
    module_name, colon, class_name = name.partition(":")
    if not colon:
        raise SettingsError(f"No provider {name}. There are {', '.join(BUILT_IN)}; one of your own is package.module:ClassName.")
    try:
        made: Any = getattr(importlib.import_module(module_name), class_name)()
    except Exception as trouble:  # foreign code: importing and making it may raise anything
        raise SettingsError(f"Provider {name} cannot be made: {type(trouble).__name__}: {trouble}") from trouble
    capability, actions = getattr(made, "capability", None), getattr(made, "actions", None)
    if not isinstance(capability, str) or not capability or not callable(getattr(made, "execute", None)):
        raise SettingsError(f"Provider {name} needs a capability (text) and execute(action, settings, context).")
    if not isinstance(actions, (list, tuple)) or not all(isinstance(action, Action) for action in actions):
        raise SettingsError(f"Provider {name} needs actions: a tuple of beacon.providers.Action.")
    provider: Provider = made
    return provider
