"""What all pages have in common: the bar with the way to the other pages, and what is told of the hub in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Response, make_response, render_template

from app.hub.here import hub_id
from app.lab import assets, shown
from schema.errors import CODES, UltravisorError

#: Dead letters are counted up to here; more are shown as so many and a plus.
MOST_LETTERS = 100
#: Seconds after which a page that could not be read is worth asking for again.
RETRY_SECONDS = 2


class Place(NamedTuple):
    """A page that the bar leads to."""

    path: str
    name: str


#: In the order of the bar. A new page for people is one line here.
PLACES = (
    Place("/", "Home"),
    Place("/queue", "Queue"),
    Place("/operations", "Operations"),
    Place("/runs", "Runs"),
    Place("/schedules", "Schedules"),
    Place("/inputs", "Inputs"),
    Place("/beacons", "Beacons"),
    Place("/timeline", "Timeline"),
    Place("/plots", "Plots"),
    Place("/persistence", "Persistence"),
    Place("/health", "Health"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `script` names its entry among the scripts, and its template; `trouble` says why it could not be read."""

    path: str
    name: str
    script: str
    hub: str
    now: datetime
    styles: tuple[str, ...] = ("base", "frame")
    skip: str = "main"
    skip_text: str = "Skip to the content"
    still: str = "This page needs JavaScript."
    dead_letters: int = 0
    trouble: UltravisorError | None = None

    @property
    def modules(self) -> tuple[str, ...]:
        """The scripts that it loads, so that they are fetched side by side and not one import after the other."""
        return assets.imported_by(f"js/{self.script}.js")

    @property
    def dead_letters_text(self) -> str:
        return shown.letters(self.dead_letters, MOST_LETTERS)


def live(path: str, script: str, *styles: str, **more: Any) -> Response:
    """A page that its script fills: it comes up whatever else is down, and says what it cannot read."""
    name = next((place.name for place in PLACES if place.path == path), "")
    page = Page(path, more.pop("name", name), script, hub_id(), datetime.now(UTC), styles=("base", "frame", *styles))
    return rendered(page, **more)


def rendered(page: Page, **more: Any) -> Response:
    """The page's template, with the status of its trouble where there is one."""
    response = make_response(render_template(f"{page.script}.html", page=page, places=PLACES, asset=assets.address_of, **more))
    if page.trouble is not None:
        response.status_code = CODES[page.trouble.code][0]
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    response.headers["Cache-Control"] = "no-cache"
    return response
