"""Descriptors over HTTP: plan, look, ensure."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.answers import Blueprint, carry_out
from app.gateway import compat
from app.gateway.here import hub_id
from app.gateway.known import connection_of
from schema.gateway.commands import EnsureSchema, IntrospectSchema, PlanSchema
from schema.gateway.forms import EnsureSchemaWire, SchemaWire

schemas = Blueprint("schemas", __name__, description="The shape of foreign databases.")
schemas.after_request(compat.told)

Body = dict[str, Any]


def _wish(body: Body, id: str) -> dict[str, Any]:
    return {"hub": hub_id(), "connection": connection_of(id)["id"], "descriptor": body["SchemaJSON"], "schema_name": body["SchemaName"]}


@schemas.route("/beacon/connection/<id>/schema/plan", methods=["POST"])
@schemas.arguments(SchemaWire)
def plan(body: Body, id: str) -> Response:
    """What bringing the database to this descriptor would do. Nothing is done."""
    return carry_out(PlanSchema(**_wish(body, id)))


@schemas.route("/beacon/connection/<id>/schema/introspect", methods=["POST"])
@schemas.arguments(SchemaWire)
def introspect(body: Body, id: str) -> Response:
    """Which tables and columns of the descriptor are there."""
    return carry_out(IntrospectSchema(**_wish(body, id)))


@schemas.route("/beacon/connection/<id>/schema/ensure", methods=["POST"])
@schemas.arguments(EnsureSchemaWire)
def ensure(body: Body, id: str) -> Response:
    """Bring the database to this descriptor, forward only. A second time nothing is left to do."""
    return carry_out(EnsureSchema(**_wish(body, id), plan=body["PlanHash"], force=body["Force"]))
