"""Styles and scripts, under an address that changes with their content: browsers keep them for a year and never see an old one."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Response, send_from_directory, url_for

FOLDER = Path(__file__).parents[1] / "static"
YEAR = 365 * 24 * 3600


@cache
def digest() -> str:
    """One digest for all of them: scripts import each other by relative addresses, so they must change together."""
    whole = sha256()
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        whole.update(f"{path.relative_to(FOLDER)}\0".encode() + path.read_bytes())
    return whole.hexdigest()[:16]


def address_of(name: str) -> str:
    """Where the file is served, for templates."""
    return url_for("pages.asset", version=digest(), name=name)


@cache
def modules() -> tuple[str, ...]:
    """The scripts, so that a page can have them fetched side by side and not one import after the other."""
    return tuple(sorted(f"js/{path.name}" for path in (FOLDER / "js").glob("*.js")))


def send(version: str, name: str) -> Response:
    """The file. Under another release's address it is served, but not kept: a page of that release may still be open."""
    response = send_from_directory(FOLDER, name)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if version == digest() else "no-cache"
    return response
