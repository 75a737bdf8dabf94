"""Give runs what they wait for. The answer is told with what came of it, read when it is committed."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.answers import Blueprint, outcome_of, reply, shown
from app.hub.here import hub_id
from app.runs.api import manifest_of
from schema.outcome import Refused
from schema.runs import commands, forms

answering = Blueprint("runs_answering", __name__, description="Give runs what they wait for.")

Body = dict[str, Any]

#: What is told of the run afterwards.
TOLD = ("Status", "Hash", "TaskOutputs", "Log", "Errors")


def _carried_out(command: commands.RunCommand, *more: str) -> Response:
    outcome = outcome_of(command)
    if isinstance(outcome, Refused):
        return reply(outcome)
    manifest = manifest_of(command.run_hash)
    return shown({name: manifest[name] for name in (*TOLD, *more)} | {"Status": outcome.value["Status"]})


@answering.route("/Operation/Resume", methods=["POST"])
@answering.arguments(forms.ResumeWire)
def resume(body: Body) -> Response:
    """Give a node the value for which it waits."""
    command = commands.AnswerInput(hub=hub_id(), run_hash=body["RunHash"], node_hash=body["NodeHash"], value=body["Value"])
    return _carried_out(command, "WaitingTasks")


@answering.route("/PendingInput/<run_hash>", methods=["POST"])
@answering.arguments(forms.AnswerWire)
def answer(body: Body, run_hash: str) -> Response:
    """Give a node the value for which it waits. The first answer is the answer."""
    command = commands.AnswerInput(hub=hub_id(), run_hash=run_hash, node_hash=body["NodeHash"], value=body["Value"])
    return _carried_out(command, "WaitingTasks")


@answering.route("/PendingInput/<run_hash>/ForceError", methods=["POST"])
@answering.arguments(forms.ForceWire)
def force_error(body: Body, run_hash: str) -> Response:
    """Have a busy node fail, with all that it has under way."""
    return _carried_out(commands.ForceError(hub=hub_id(), run_hash=run_hash, node_hash=body["NodeHash"], reason=body["Reason"]))
