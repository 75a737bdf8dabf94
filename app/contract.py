"""The OpenAPI document, made from the routes and forms themselves, at /api/openapi.json."""

from __future__ import annotations

from http import HTTPStatus
from threading import Lock
from typing import Any, ClassVar

import flask_smorest
import marshmallow as ma
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from app.answers import on_http, shown
from app.asking import SAFE, Blueprint

#: Failures that any route may answer with; that those may whose address names a thing; that those may which change something.
ANY = (400, 401, 403, 413, 414, 500, 503)
NAMED = (404,)
UNSAFE = (404, 409, 413, 415, 422)
#: 201 is for what has been made, 202 for those who prefer not to wait.
SENT = (201, 202)


class FailureWire(ma.Schema):
    """The body of every failure; some carry more, e.g. Fields, Missing, Receipt."""

    Error = ma.fields.String(required=True, metadata={"description": "What is wrong, for people."})
    Code = ma.fields.String(required=True, metadata={"description": "What is wrong, for programs: a word of the table of errors."})
    RequestID = ma.fields.String(required=True, metadata={"description": "Under which the request is logged."})


class Contract(flask_smorest.Api):  # type: ignore[misc]  # it ships no types
    """flask-smorest with our error body, and with every status that a route may answer.

    Routes are served from the start, and described when somebody asks for the document: making it takes as long as everything else that a
    web process does before its first request, and most processes are never asked.
    """

    CONFIG: ClassVar[dict[str, Any]] = {
        "API_TITLE": "Ultravisor",
        "API_VERSION": "1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/api",
        "OPENAPI_JSON_PATH": "openapi.json",
        "API_SPEC_OPTIONS": {"info": {"description": "Every failure has the one error body; every unsafe route takes Idempotency-Key and Prefer."}},
    }
    ERROR_SCHEMA = FailureWire

    def __init__(self, app: Flask) -> None:
        self._lock = Lock()
        self._undescribed: list[Blueprint] = []
        super().__init__(app)

    def register_blueprint(self, blueprint: Blueprint) -> None:
        """Serve its routes."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._undescribed.append(blueprint)

    def handle_http_exception(self, error: HTTPException) -> Response:
        return on_http(error)

    def _openapi_json(self) -> Response:
        with self._lock:
            while self._undescribed:
                self._describe(self._undescribed.pop(0))
            return shown(completed(self.spec.to_dict()))

    def _describe(self, blueprint: Blueprint) -> None:
        blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
        self.spec.tag({"name": blueprint.name, "description": blueprint.description})


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the statuses that follow from what a route is; those of one route alone are declared with it."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                _complete(operation["responses"], path, method.upper())
    return document


def _complete(responses: dict[str, Any], path: str, method: str) -> None:
    failures = ANY + (NAMED if "{" in path else ()) + (() if method in SAFE else UNSAFE)
    for status in failures:
        responses.setdefault(str(status), {"$ref": "#/components/responses/DEFAULT_ERROR"})
    for status in () if method in SAFE else SENT:
        responses.setdefault(str(status), {"description": HTTPStatus(status).phrase})
    if not any(status in responses for status in ("200", "204", "206")):
        responses["200"] = {"description": HTTPStatus.OK.phrase}
