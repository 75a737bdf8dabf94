"""The OpenAPI document describes what is really there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.app.routes import routes_of

#: Documents, pages and their parts are not described: they describe, or are for people.
PAGES = r"/|/login|/queue|/items/.*|/operations.*|/runs.*|/schedules|/inputs|/beacons|/timeline|/plots|/persistence|/health"
UNDESCRIBED = re.compile(rf"/api/openapi\.json|{PAGES}|/favicon\.ico|/static/.*")


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    response = client.get("/api/openapi.json")
    assert response.mimetype == "application/json"
    return dict(response.json)


def test_every_route_is_described(document: dict[str, Any], app: Flask) -> None:
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item if method != "parameters"}
    real = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not UNDESCRIBED.fullmatch(rule.rule)
    }
    assert described == real
    assert len(routes_of(app)) >= len(real)


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                assert operation.get("summary", "").endswith("."), f"{method} {path}"
                assert operation["responses"]["default"] == {"$ref": "#/components/responses/DEFAULT_ERROR"}


def test_parameters_of_the_path_are_described(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        named = {parameter["name"] for parameter in item.get("parameters", []) if parameter["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), path


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(re.findall(r"'\$ref': '([^']+)'", str(document))):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_the_error_body_is_described(document: dict[str, Any]) -> None:
    schema = document["components"]["responses"]["DEFAULT_ERROR"]["content"]["application/json"]["schema"]
    (name,) = re.findall(r"#/components/schemas/(\w+)", schema["$ref"])
    assert set(document["components"]["schemas"][name]["required"]) == {"Error", "Code", "RequestID"}
