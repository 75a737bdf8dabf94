"""The pages' addresses. They only ask; what a page orders, it orders from the browser by the routes that every client uses."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from app.asking import Blueprint
from app.hub.here import hub_id
from app.lab import assets, frame, login, shown
from app.lab.home import home
from schema.hub.rules.lifecycle import BUCKET_NAMES, BUCKETS, STATUSES
from schema.runs.rules.run import MODES
from schema.runs.rules.run import STATUSES as RUN_STATUSES

#: Where a beacon looks for its hub unless it is told.
USUAL_HOSTS = ("127.0.0.1:54321", "localhost:54321")
#: Times that the timeline follows, with their words.
FOLLOWED = (("1m", "1 minute"), ("5m", "5 minutes"), ("15m", "15 minutes"), ("1h", "1 hour"), ("6h", "6 hours"), ("24h", "24 hours"))
#: Times that plots are drawn of, with their words.
PLOTTED = (("15m", "15 minutes"), ("1h", "1 hour"), ("6h", "6 hours"), ("24h", "24 hours"), ("7d", "7 days"))
#: What the queue's page answers to, for its help.
KEYS = (
    ("/", "look for a text"),
    ("↑ ↓ j k", "go from item to item"),
    ("Enter", "open the item"),
    ("x", "choose it, or not; with Shift, all from the last one on"),
    ("a", "choose all that are shown"),
    ("c", "cancel the chosen ones, or the item under the focus"),
    ("r", "requeue"),
    ("p", "set the priority"),
    ("u", "move up by one place"),
    ("m", "show more"),
    ("Esc", "close the details, then choose none"),
)
#: What the editor answers to.
EDITOR_KEYS = (
    ("a", "add a task: type its name, Enter takes it"),
    ("j k", "go from node to node"),
    ("Enter", "fill in the chosen node's form"),
    ("← ↑ → ↓", "move the chosen nodes"),
    ("d", "copy the chosen nodes"),
    ("Delete", "remove what is chosen"),
    ("Ctrl+Z Ctrl+Y", "undo, redo"),
    ("Ctrl+S", "save"),
    ("l", "arrange all nodes"),
    ("v", "show the ports of values, or not"),
    ("+ − 0", "zoom in, zoom out, show the whole"),
    ("Esc", "choose nothing"),
)
#: What the schedules' page answers to.
SCHEDULE_KEYS = (
    ("↑ ↓ j k", "go from schedule to schedule"),
    ("Enter", "open its history"),
    ("n", "make a new one"),
    ("e", "change it"),
    ("s", "stop it, or start it"),
    ("Delete", "remove it"),
    ("m", "show more"),
    ("Esc", "close the history"),
)


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
        styles=("base", "frame", "controls", "items", "home", "details", "drawer"),
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
    return frame.live("/persistence", "persistence", "controls", "queue", "persistence")


@pages.route("/queue")
def queue() -> Response:
    """The queue with its states, lanes and filters; the address holds what is looked for."""
    states = {bucket: [status for status in STATUSES if BUCKETS[status] == bucket] for bucket in BUCKET_NAMES}
    return frame.live("/queue", "queue", "controls", "items", "details", "drawer", "queue", states=states, statuses=STATUSES, keys=KEYS)


@pages.route("/items/<work_item_hash>")
def item(work_item_hash: str) -> Response:
    """All of one item."""
    return frame.live(f"/items/{work_item_hash}", "item", "controls", "details", name="Item", hash=work_item_hash)


@pages.route("/operations")
def operations() -> Response:
    """All operations: with their newest runs, what their audit has found, and what can be done with them."""
    return frame.live("/operations", "operations", "controls", "runs", modes=MODES)


@pages.route("/operations/new")
def new_operation() -> Response:
    """The editor, with an empty sheet."""
    return _editor("")


@pages.route("/operations/<operation_hash>")
def operation(operation_hash: str) -> Response:
    """The editor: an operation's graph, drawn and told what to do, audited while it is drawn, saved as its next revision."""
    return _editor(operation_hash)


def _editor(operation_hash: str) -> Response:
    return frame.live("/operations", "editor", "controls", "graph", "runs", "editor", name="Editor", hash=operation_hash, keys=EDITOR_KEYS)


@pages.route("/runs")
def runs() -> Response:
    """The runs, newest first; the address holds what is looked for."""
    return frame.live("/runs", "runs", "controls", "queue", "runs", statuses=RUN_STATUSES)


@pages.route("/runs/<run_hash>")
def run(run_hash: str) -> Response:
    """One run: its graph, its times, what it says and brings, what it waits for, and what can be done about it."""
    return frame.live(f"/runs/{run_hash}", "one-run", "controls", "details", "timeline", "graph", "runs", name="Run", hash=run_hash)


@pages.route("/schedules")
def schedules() -> Response:
    """What runs by itself: when next, how it went last, and what can be done about it."""
    return frame.live("/schedules", "schedules", "controls", "drawer", "runs", "schedules", modes=MODES, keys=SCHEDULE_KEYS)


@pages.route("/inputs")
def inputs() -> Response:
    """What runs ask people for."""
    return frame.live("/inputs", "inputs", "controls", "runs")


@pages.route("/beacons")
def beacons() -> Response:
    """All beacons, what they hold, what they can do, who could reach whom."""
    return frame.live("/beacons", "beacons", "controls", "fleet", start_beacon=_start_beacon())


@pages.route("/timeline")
def timeline() -> Response:
    """What happened, what happens, what is likely to."""
    return frame.live("/timeline", "timeline", "controls", "queue", "plots", "timeline", ranges=FOLLOWED)


@pages.route("/plots")
def plots() -> Response:
    """The queue over time, in plots."""
    libraries = [name for name in ("lib/uplot.css",) if name in assets.files()]
    return frame.live("/plots", "plots", "controls", *libraries, "plots", ranges=PLOTTED)


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
