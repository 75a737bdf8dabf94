"""The OpenAPI document, made from the routes and forms themselves, at /api/openapi.json."""

from __future__ import annotations

from typing import Any, ClassVar

import flask_smorest
import marshmallow as ma
from flask import Response
from werkzeug.exceptions import HTTPException

from app.answers import on_http, shown


class FailureWire(ma.Schema):
    """The body of every failure; some carry more, e.g. Fields, Missing, Receipt."""

    Error = ma.fields.String(required=True, metadata={"description": "What is wrong, for people."})
    Code = ma.fields.String(required=True, metadata={"description": "What is wrong, for programs: a word of the table of errors."})
    RequestID = ma.fields.String(required=True, metadata={"description": "Under which the request is logged."})


class Contract(flask_smorest.Api):  # type: ignore[misc]  # it ships no types
    """flask-smorest with our error body."""

    CONFIG: ClassVar[dict[str, Any]] = {
        "API_TITLE": "Ultravisor",
        "API_VERSION": "1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/api",
        "OPENAPI_JSON_PATH": "openapi.json",
        "API_SPEC_OPTIONS": {"info": {"description": "Every failure has the one error body; every unsafe route takes Idempotency-Key and Prefer."}},
    }
    ERROR_SCHEMA = FailureWire

    def handle_http_exception(self, error: HTTPException) -> Response:
        return on_http(error)

    def _openapi_json(self) -> Response:
        return shown(self.spec.to_dict())
