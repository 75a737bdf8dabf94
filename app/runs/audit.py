"""What can be told of an operation without running it: unknown types, missing settings, events that nobody sends, nodes that nobody reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schema.runs.rules.address import BadAddress, steps_of
from schema.runs.rules.graph import END, START, BadGraph, Node, Plan, plan_of
from schema.runs.rules.templates import TAG
from schema.runs.types.base import Task

Finding = dict[str, str]


def audited(document: Mapping[str, Any], types: Mapping[str, Task], known: set[str] | None) -> dict[str, Any]:
    """The findings about an operation. `known`: hashes of operations that it may launch; None where nobody has looked."""
    try:
        plan = plan_of(document)
    except (BadGraph, TypeError, AttributeError) as error:
        findings = [_finding("error", "", "bad_graph", str(error))]
    else:
        findings = [*_whole(plan), *(found for node in plan.nodes.values() for found in _node(plan, node, types, known))]
    errors = sum(found["Severity"] == "error" for found in findings)
    told = {"Hash": document.get("Hash"), "Name": document.get("Name"), "Valid": not errors}
    return told | {"ErrorCount": errors, "WarningCount": len(findings) - errors, "Findings": findings}


def _finding(severity: str, node: str, code: str, message: str) -> Finding:
    return {"Severity": severity, "NodeHash": node, "Code": code, "Message": message}


def _whole(plan: Plan) -> Iterator[Finding]:
    if not plan.starts:
        yield _finding("error", "", "no_start", "The graph has no start node, so nothing would ever begin.")
    reached, edge_of = set(plan.starts), list(plan.starts)
    while edge_of:
        for edge in plan.out.get(edge_of.pop(), ()):
            if edge.target not in reached:
                reached.add(edge.target)
                edge_of.append(edge.target)
    for hash in plan.nodes:
        if hash not in reached:
            yield _finding("warning", hash, "unreachable", "No path leads here from a start node.")


def _node(plan: Plan, node: Node, types: Mapping[str, Task], known: set[str] | None) -> Iterator[Finding]:
    if node.type in (START, END):
        return
    type = types.get(node.type)
    if type is None:
        advice = "; no beacon has declared this action yet" if node.type.startswith("beacon-") else ""
        yield _finding("error", node.hash, "unknown_type", f"There is no task type {node.type or '(none)'}{advice}.")
        return
    record = type.record()
    yield from _settings(plan, node, record)
    yield from _events(plan, node, record)
    launched = node.settings.get("OperationHash")
    if node.type == "launch-operation" and known is not None and isinstance(launched, str) and "{~" not in launched and launched not in known:
        yield _finding("error", node.hash, "unknown_operation", f"There is no operation {launched}.")


def _settings(plan: Plan, node: Node, record: Mapping[str, Any]) -> Iterator[Finding]:
    wired = {wire.setting for wire in plan.wires.get(node.hash, ())}
    for setting in record["SettingsInputs"]:
        name = setting["Name"]
        if setting["Required"] and node.settings.get(name) in (None, "") and name not in wired:
            yield _finding("error", node.hash, "missing_setting", f"{name} is needed.")
    for name, value in node.settings.items():
        if isinstance(value, str) and "{~" in value:
            yield from _tags(plan, node, name, value)


def _tags(plan: Plan, node: Node, name: str, text: str) -> Iterator[Finding]:
    for tag in TAG.finditer(text):
        try:
            root, *rest = steps_of(tag[1])
        except BadAddress as error:
            yield _finding("error", node.hash, "bad_address", f"{name}: {error}")
            continue
        if root == "TaskOutput" and rest and rest[0] not in plan.nodes:
            yield _finding("error", node.hash, "bad_address", f"{name}: there is no node {rest[0]}.")


def _events(plan: Plan, node: Node, record: Mapping[str, Any]) -> Iterator[Finding]:
    begins = {event["Name"] for event in record["EventInputs"]}
    leaves = {event["Name"] for event in record["EventOutputs"]}
    for (hash, event), edges in plan.leads.items():
        if hash == node.hash and event not in leaves:
            yield _finding("warning", hash, "unknown_event", f"{event} never leaves a {node.type}; {', '.join(sorted(leaves))} do.")
        del edges
    for hash, event in plan.into:
        if hash == node.hash and event not in begins:
            yield _finding("warning", hash, "unknown_input", f"A {node.type} knows no input {event}; {', '.join(sorted(begins))} are known.")
    if node.join == "all" and all(len(numbers) < 2 for (hash, _), numbers in plan.into.items() if hash == node.hash):
        yield _finding("warning", node.hash, "join_of_one", "It joins all of its signals, but only one edge leads here.")
