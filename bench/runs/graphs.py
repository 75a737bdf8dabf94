"""Operations to measure with."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from bench.rig import Rig
from ultravisor import here


def _node(hash: str, type: str, **data: Any) -> dict[str, Any]:
    return {"Hash": hash, "Type": type, "Data": data}


def _edge(source: str, event: str, target: str, input: str) -> dict[str, str]:
    ends = {"SourceNodeHash": source, "TargetNodeHash": target}
    return {"Hash": f"{source}-{target}", **ends, "SourcePortHash": f"{source}-eo-{event}", "TargetPortHash": f"{target}-ei-{input}"}


#: Six built-in nodes, of the kinds that people use most.
SMALL: dict[str, Any] = {
    "Hash": "bench-small",
    "Name": "Six nodes",
    "Graph": {
        "Nodes": [
            _node("start", "start"),
            _node("greet", "set-value", Value="Hello", ToAddress="Operation.greeting"),
            _node("fill", "template-string", Template="{~D:Record.Operation.greeting~}, {~D:Record.Operation.name~}!", Destination="Operation.text"),
            _node("replace", "replace-string", InputString="{~D:Record.Operation.text~}", SearchString="Hello", ReplaceString="Good morning"),
            _node("if", "if-conditional", DataAddress="TaskOutput.replace.ReplacementCount", CompareValue=1, Operator="=="),
            _node("end", "end"),
        ],
        "Connections": [
            _edge("start", "Out", "greet", "Execute"),
            _edge("greet", "Complete", "fill", "In"),
            _edge("fill", "Complete", "replace", "Replace"),
            _edge("replace", "ReplaceComplete", "if", "Evaluate"),
            _edge("if", "True", "end", "In"),
        ],
    },
}


def line(count: int) -> dict[str, Any]:
    """An operation of so many nodes, one after the other, each of which writes a value."""
    names = [f"n{place}" for place in range(count)]
    nodes = [_node(name, "set-value", Value=place, ToAddress=f"Operation.v{place % 10}") for place, name in enumerate(names)]
    edges = [_edge("start", "Out", names[0], "Execute"), *(_edge(one, "Complete", other, "Execute") for one, other in pairwise(names))]
    return {"Hash": f"bench-line-{count}", "Name": f"{count} nodes", "Graph": {"Nodes": [_node("start", "start"), *nodes], "Connections": edges}}


def save(hub: Rig, operation: dict[str, Any]) -> None:
    """Have the hub know it. Raises RuntimeError when it does not like it."""
    status, told = here.ask(hub.settings, "/Operation", operation, timeout=60)
    if status != 200:
        raise RuntimeError(f"the operation was not stored: {told}")
