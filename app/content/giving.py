"""Content on its way out: streamed, tagged with its digest, whole or a range of it."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, current_app, request
from werkzeug.http import dump_options_header

from app.content.questions import Chunks, Content
from app.reading import reader

#: What a browser may do with content of somebody's making: nothing. It is saved and not shown.
SANDBOX = "sandbox; default-src 'none'"


def given(content: Content, filename: str, content_type: str) -> Response:
    """The content as a download; 304 to those who have it, 206 for one range, which costs no more than the chunks that it touches."""
    response = current_app.response_class(Chunks(reader(), content), content_type=content_type, direct_passthrough=True)
    response.headers["Content-Length"] = str(content.size)
    response.headers["Content-Disposition"] = saved_as(filename)
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(content.digest)
    response.make_conditional(request, accept_ranges=True, complete_length=content.size)
    return response


def saved_as(filename: str) -> str:
    """The last part of a name, whatever system's path it is; a client that saves under it leaves its folder by no name."""
    last = filename.replace("\\", "/").rpartition("/")[2].strip(". ") or "content"
    plain = "".join(letter if letter.isascii() and letter.isprintable() else "_" for letter in last)
    options = {"filename": plain} if plain == last else {"filename": plain, "filename*": f"UTF-8''{quote(last, safe='')}"}
    return dump_options_header("attachment", options)
