"""Styles and scripts, under an address that changes with their content: browsers keep them for a year and never see an old one."""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from flask import Response, request, url_for

from app.refusing import refuse

FOLDER = Path(__file__).parents[1] / "static"
#: Libraries of the pages, where script/setup has installed them from the lock file.
_INSTALLED = Path(__file__).parents[2] / "node_modules"
LIBRARIES = {
    "lib/dagre.js": _INSTALLED / "@dagrejs" / "dagre" / "dist" / "dagre.esm.js",
    "lib/x6.js": _INSTALLED / "@antv" / "x6" / "dist" / "x6.min.js",
    "lib/uplot.js": _INSTALLED / "uplot" / "dist" / "uPlot.esm.js",
    "lib/uplot.css": _INSTALLED / "uplot" / "dist" / "uPlot.min.css",
}
YEAR = 365 * 24 * 3600
#: How our scripts import each other.
_IMPORT = re.compile(r'^(?:import|export)\b[^;]*?"\./([\w-]+\.js)";', re.MULTILINE)


@cache
def files() -> dict[str, Path]:
    """All that is served, by its name: our own, and libraries as far as they are installed."""
    ours = {path.relative_to(FOLDER).as_posix(): path for path in sorted(FOLDER.rglob("*")) if path.is_file()}
    return ours | {name: path for name, path in LIBRARIES.items() if path.is_file()}


@cache
def digest() -> str:
    """One digest for all of them: scripts import each other by relative addresses, so they must change together."""
    whole = sha256()
    for name, path in files().items():
        whole.update(f"{name}\0".encode() + path.read_bytes())
    return whole.hexdigest()[:16]


def address_of(name: str) -> str:
    """Where the file is served, for templates."""
    return url_for("pages.asset", version=digest(), name=name)


@cache
def imported_by(script: str) -> tuple[str, ...]:
    """The script and all that it loads, in the order of first mention."""
    found = [script]
    for name in found:  # grows while it is walked
        said = _IMPORT.findall((FOLDER / name).read_text(encoding="utf-8")) if (FOLDER / name).is_file() else []
        found += [near for near in dict.fromkeys(f"js/{one}" for one in said) if near not in found]
    return tuple(found)


def send(version: str, name: str) -> Response:
    """The file. Under another release's address it is served, but not kept: a page of that release may still be open."""
    path = files().get(name)
    if path is None:
        refuse("not_found")
    # Read whole and at once: they are small, and nothing is left open when a client goes away.
    response = Response(path.read_bytes(), mimetype=guess_type(path)[0])
    response.add_etag()
    response.make_conditional(request)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if version == digest() else "no-cache"
    return response
