"""What changes operations, templates and runs: shape checked here, carried out by a worker, answered from the committed outcome."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from app.answers import Blueprint, carry_out, refuse
from app.hub.here import hub_id
from app.runs.minting import run_hash_for
from schema.runs import commands, forms

runs_orders = Blueprint("runs_orders", __name__, description="Operations and runs: what changes them.")

Body = dict[str, Any]


def expected() -> int | None:
    """The revision that the caller has seen, as If-Match says it."""
    tag = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if tag in ("", "*"):
        return None
    if not (tag.isascii() and tag.isdigit()):
        refuse("bad_request", "If-Match must be the ETag of an operation: its revision.")
    return int(tag)


@runs_orders.route("/Operation", methods=["POST"])
@runs_orders.arguments(forms.OperationWire)
def save(body: Body) -> Response:
    """Store an operation, or change the one of that Hash. Without a Hash it gets one."""
    return carry_out(commands.SaveOperation(hub=hub_id(), operation_hash=body.get("Hash", ""), document=body, expected=expected()))


@runs_orders.route("/Operation/<operation_hash>", methods=["PUT"])
@runs_orders.arguments(forms.OperationWire)
def change(body: Body, operation_hash: str) -> Response:
    """Change fields of an operation; the others stay. With If-Match only the revision that the caller has seen."""
    return carry_out(commands.SaveOperation(hub=hub_id(), operation_hash=operation_hash, document=body, must_exist=True, expected=expected()))


@runs_orders.route("/Operation/<operation_hash>", methods=["DELETE"])
def delete(operation_hash: str) -> Response:
    """Delete an operation. Its runs go on, and its revisions stay."""
    return carry_out(commands.DeleteOperation(hub=hub_id(), operation_hash=operation_hash))


@runs_orders.route("/NodeTemplate", methods=["POST"])
@runs_orders.arguments(forms.TemplateWire)
def save_template(body: Body) -> Response:
    """Store a node template. Without a Hash it gets one."""
    return carry_out(commands.SaveTemplate(hub=hub_id(), template_hash=body.get("Hash", ""), document=body))


@runs_orders.route("/NodeTemplate/<template_hash>", methods=["PUT"])
@runs_orders.arguments(forms.TemplateWire)
def change_template(body: Body, template_hash: str) -> Response:
    """Change fields of a node template."""
    return carry_out(commands.SaveTemplate(hub=hub_id(), template_hash=template_hash, document=body, must_exist=True))


@runs_orders.route("/NodeTemplate/<template_hash>", methods=["DELETE"])
def delete_template(template_hash: str) -> Response:
    """Delete a node template."""
    return carry_out(commands.DeleteTemplate(hub=hub_id(), template_hash=template_hash))


@runs_orders.route("/Operation/<run_hash>/Retry", methods=["POST"])
@runs_orders.arguments(forms.RetryWire)
def retry(body: Body, run_hash: str) -> Response:
    """Begin the failed nodes of an ended run again, or the one that is named. What the others brought stays."""
    return carry_out(commands.RetryRun(hub=hub_id(), run_hash=run_hash, node_hash=body["NodeHash"], overrides=body["SettingsOverrides"]))


@runs_orders.route("/Manifest/<run_hash>/Fork", methods=["POST"])
@runs_orders.arguments(forms.ForkWire)
def fork(body: Body, run_hash: str) -> Response:
    """Begin a new run at a node, with what this one had brought until then."""
    wish = {"node_hash": body["NodeHash"], "overrides": body["SettingsOverrides"]}
    return carry_out(commands.ForkRun(hub=hub_id(), run_hash=run_hash, new_hash=run_hash_for(f"fork-{run_hash[4:40]}"), **wish))


@runs_orders.route("/Manifest/<run_hash>/Abandon", methods=["POST"])
@runs_orders.arguments(forms.AbandonWire)
def abandon(body: Body, run_hash: str) -> Response:
    """End a run that nobody wants any more."""
    return carry_out(commands.AbandonRun(hub=hub_id(), run_hash=run_hash, reason=body["Reason"]))


@runs_orders.route("/Manifest/AbandonStale", methods=["POST"])
@runs_orders.arguments(forms.StaleWire)
def abandon_stale(body: Body) -> Response:
    """End up to 500 runs of which nothing has been heard for so long."""
    return carry_out(commands.AbandonStale(hub=hub_id(), older_ms=body["OlderThanMs"]))
