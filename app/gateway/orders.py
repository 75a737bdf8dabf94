"""What changes connections: shape checked and secrets sealed here, carried out by a worker, answered from the committed outcome."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.answers import Blueprint, carry_out, failure
from app.gateway import compat
from app.gateway.here import hub_id
from app.gateway.numbers import number
from app.sealing import sealed
from schema.gateway.commands import CreateConnection, DeleteConnection, Disconnect, EditConnection, TryConfig
from schema.gateway.forms import CreateConnectionWire, EditConnectionWire, NothingWire, TestConfigWire
from schema.gateway.rules.kinds import keeps_secrets, split_secrets

gateway_orders = Blueprint("gateway_orders", __name__, description="Foreign databases: what changes the connections to them.")
gateway_orders.after_request(compat.told)

Body = dict[str, Any]


@gateway_orders.route("/beacon/connection", methods=["POST"])
@gateway_orders.arguments(CreateConnectionWire)
def create(body: Body) -> Response:
    """Know another database. Nothing is opened yet."""
    config, secrets = split_secrets(body["Config"])
    token, mark = sealed(secrets)
    return carry_out(
        CreateConnection(
            hub=hub_id(),
            title=body["Name"],
            kind=body["Type"],
            config=config,
            sealed=token,
            mark=mark,
            auto_connect=body["AutoConnect"],
            description=body["Description"],
            databeacon=body["Databeacon"],
        )
    )


@gateway_orders.route("/beacon/connection/<id>", methods=["PUT"])
@gateway_orders.arguments(EditConnectionWire)
def edit(body: Body, id: str) -> Response:
    """Know a database differently. What is not given stays; a secret of *** is the stored one."""
    config, token, mark = body["Config"], None, ""
    if config is not None:
        kept = keeps_secrets(config)
        config, secrets = split_secrets(config)
        token, mark = (None, "") if kept else sealed(secrets)
    return carry_out(
        EditConnection(
            hub=hub_id(),
            connection=number(id),
            title=body["Name"],
            kind=body["Type"],
            config=config,
            sealed=token,
            mark=mark,
            auto_connect=body["AutoConnect"],
            description=body["Description"],
            status=body["Status"],
            databeacon=body["Databeacon"],
        )
    )


@gateway_orders.route("/beacon/connection/<id>", methods=["DELETE"])
def delete(id: str) -> Response:
    """Forget a database, its secrets at once."""
    return carry_out(DeleteConnection(hub=hub_id(), connection=number(id)))


@gateway_orders.route("/beacon/connection/test", methods=["POST"])
@gateway_orders.arguments(TestConfigWire)
def test_config(body: Body) -> Response:
    """Open a database that is not stored, and ask it something."""
    if not body["Type"]:
        return failure("bad_request", "Type is required")
    config, secrets = split_secrets(body["Config"])
    return carry_out(TryConfig(kind=body["Type"], config=config, sealed=sealed(secrets)[0]))


@gateway_orders.route("/beacon/connection/<id>/disconnect", methods=["POST"])
@gateway_orders.arguments(NothingWire, required=False)
def disconnect(_: Body, id: str) -> Response:
    """Serve the database no longer. What was enabled stays so for the next time."""
    return carry_out(Disconnect(hub=hub_id(), connection=number(id)))
