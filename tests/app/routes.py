"""The routes that the app really has, each with an address that matches it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from app.asking import SAFE
from app.main import create_app
from schema.settings import Settings


@dataclass(frozen=True)
class Route:
    """One method at one address."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes_of(app: Flask) -> list[Route]:
    """All of them, HEAD and OPTIONS included; what stands for a parameter exists nowhere."""
    adapter = app.url_map.bind("localhost")
    found = set()
    for rule in app.url_map.iter_rules():
        path = adapter.build(rule.endpoint, dict.fromkeys(rule.arguments, "nothing"), method=next(iter(rule.methods or ())))
        found |= {Route(method, path) for method in rule.methods or ()}
    return sorted(found, key=str)


#: As the code stands; the app of this list is never asked anything.
ROUTES = routes_of(create_app(Settings.read({"UV_DATA": "/nonexistent"})))
UNSAFE = [route for route in ROUTES if route.method not in SAFE]
#: Streams do not end; they have tests of their own.
ENDING = [route for route in ROUTES if route.path != "/api/events"]
