"""The pages' addresses. They only ask; what a page orders, it orders from the browser by the routes that every client uses."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from app.asking import Blueprint
from app.hub.here import hub_id
from app.lab import assets, frame, login, shown
from app.lab.home import home
from schema.hub.rules.lifecycle import BUCKET_NAMES

#: Where a beacon looks for its hub unless it is told.
USUAL_HOSTS = ("127.0.0.1:54321", "localhost:54321")


class Pages(Blueprint):
    """What it serves is for people and has no place in the interface's document."""

    def register_views_in_doc(self, *_: Any, **__: Any) -> None:
        """Nothing is registered."""


pages = Pages("pages", __name__, template_folder="../templates")
pages.app_context_processor(login.user)
pages.add_app_template_filter(shown.count, "count")
pages.add_app_template_filter(lambda word: shown.LABELS.get(word, word), "label")


@pages.route("/")
def index() -> Response:
    """The home page; `?bucket=` narrows its list of items."""
    wanted = request.args.get("bucket", "")
    state = home(hub_id(), wanted if wanted in BUCKET_NAMES else "")
    page = frame.Page(
        *("/", "Home", "home", state.hub, state.now),
        styles=("base", "frame", "controls", "home", "drawer"),
        skip="command",
        skip_text="Skip to the command",
        still="This is the state as the page was loaded; reload it for a newer one. Running commands and staying live need JavaScript.",
        dead_letters=state.dead_letters,
        trouble=state.trouble,
    )
    return frame.rendered(page, home=state, start_beacon=_start_beacon())


@pages.route("/persistence")
def persistence() -> Response:
    """Where the hub's rows are kept, how far that has come, and whether both sides are equal."""
    return frame.live("/persistence", "persistence", "controls")


@pages.route("/health")
def health() -> Response:
    """The parts of the hub, the dead letters, the lanes."""
    return frame.live("/health", "health", "controls")


def _start_beacon() -> str:
    """The command that starts a beacon for this hub; the address stands in it where it is not the one that beacons look for anyway."""
    elsewhere = request.host not in USUAL_HOSTS
    return "ultravisor beacon --provider Shell" + (f" --server {request.host_url.rstrip('/')}" if elsewhere else "")


@pages.route("/login")
def log_in() -> Response:
    """The page to log in on."""
    return login.page()


@pages.route("/favicon.ico")
def icon() -> Response:
    """The mark, for browsers that show an answer of the interface and look for it where they always do."""
    response = assets.send(assets.digest(), "mark.svg")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@pages.route("/static/<version>/<path:name>")
def asset(version: str, name: str) -> Response:
    """A style or a script."""
    return assets.send(version, name)
