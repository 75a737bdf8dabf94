"""The web process: the app, and the entry that a WSGI server calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from flask import Flask, request
from flask_smorest import Api
from werkzeug.exceptions import MethodNotAllowed

from app import answers, gate, log
from app.access.api import access
from app.access.me import me
from app.access.orders import access_orders
from app.asking import Blueprint
from app.bridge.api import bridge
from app.bridge.lab import lab_persistence
from app.bridge.rows import persisted
from app.broker import Broker
from app.contract import Contract
from app.dispatch import Dispatcher
from app.gateway.api import gateway
from app.gateway.endpoints import endpoints
from app.gateway.orders import gateway_orders
from app.gateway.paths import Slug
from app.gateway.querying import querying
from app.gateway.schemas import schemas
from app.gateway.tables import tables
from app.gateway.trying import trying
from app.guard import Guard
from app.health import health
from app.hub.api import hub
from app.hub.batches import batches
from app.hub.blocking import blocking
from app.hub.looking import looking
from app.hub.operating import operating
from app.hub.orders import hub_orders
from app.hub.plots import plots
from app.hub.polling import polling
from app.hub.streaming import streaming
from app.hub.submitting import submitting
from app.hub.uploading import uploading
from app.lab.api import lab
from app.lab.pages import pages
from app.ledger.api import dead_letters, receipts
from app.ledger.orders import dead_letter_orders
from app.login import login
from app.metrics import Metrics, metrics
from app.observer.api import observer
from app.observer.probing import probing
from app.reading import Reader
from app.roster import Roster
from app.runs.answering import answering
from app.runs.api import runs
from app.runs.looking import runs_looking
from app.runs.orders import runs_orders
from app.runs.scheduled import scheduled
from app.runs.scheduling import scheduling
from app.runs.starting import starting
from app.seal import seal
from app.sockets.hall import Hall
from app.sockets.upgrade import Upgrades
from app.tail import Tail
from app.watch import watch
from schema.settings import Settings

#: Every route of the product is in one of these.
BLUEPRINTS: tuple[Blueprint, ...] = (
    health,
    login,
    access,
    access_orders,
    me,
    watch,
    receipts,
    dead_letters,
    dead_letter_orders,
    hub,
    polling,
    hub_orders,
    pages,
    lab,
    submitting,
    batches,
    looking,
    plots,
    operating,
    uploading,
    blocking,
    streaming,
    observer,
    probing,
    runs,
    runs_looking,
    runs_orders,
    answering,
    starting,
    scheduled,
    scheduling,
    metrics,
    gateway,
    gateway_orders,
    querying,
    schemas,
    bridge,
    lab_persistence,
    persisted,
    tables,
    trying,
    endpoints,
)


def create_app(settings: Settings | None = None) -> Flask:
    """The app for these settings, else for those of the environment. Connects to nothing before the first request."""
    settings = settings or Settings.read(os.environ)
    log.configure(settings)
    app = Flask("ultravisor", static_folder=None, template_folder=None)
    app.config.update(SETTINGS=settings, MAX_CONTENT_LENGTH=max(settings.max_body, settings.max_result), **Contract.CONFIG)
    # One address, one thing: no redirects (their bodies are HTML) between `/Beacon` and `/Beacon/`, which mean the same.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.converters["slug"] = Slug
    app.extensions.update(_parts(settings))
    app.extensions["metrics"] = Metrics(app)
    api: Api = Contract(app)
    gate.guard(app)
    answers.register(app)
    for blueprint in BLUEPRINTS:
        if not isinstance(blueprint, Blueprint):
            raise TypeError(f"{blueprint!r} is no blueprint of app.asking: its bodies would be judged by other rules")
        api.register_blueprint(blueprint)
    app.before_request(names_win(app))
    hall = app.extensions["hall"] = Hall(app, settings)
    app.wsgi_app = Guard(Upgrades(app.wsgi_app, hall), settings)  # type: ignore[assignment,method-assign]  # Flask's own way to add middleware
    return app


def names_win(app: Flask) -> Callable[[], None]:
    """A check that an address with a name of its own is never taken for a parameter: `/Beacon/Work` is no beacon called Work.

    werkzeug prefers the name as well, but falls back to the parameter for methods that the name does not have.
    """
    named: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if not rule.arguments:
            named.setdefault(rule.rule, set()).update(rule.methods or ())

    def check() -> None:
        taken = request.view_args or isinstance(request.routing_exception, MethodNotAllowed)
        if taken and (allowed := named.get(request.path.rstrip("/"))) is not None:
            raise MethodNotAllowed(valid_methods=sorted(allowed))

    return check


def _parts(settings: Settings) -> dict[str, Any]:
    broker = Broker(settings)
    parts = {"broker": broker, "dispatcher": Dispatcher(settings), "reader": Reader(settings)}
    return {**parts, "roster": Roster(), "tail": Tail(settings, broker)}


def wsgi() -> Flask:
    """The app in a process that from now on cannot write; for WSGI servers. Raises BadSettings for an address that is not safe to open."""
    settings = Settings.read(os.environ)
    app = create_app(settings)
    seal(settings)
    return app
