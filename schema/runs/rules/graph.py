"""The plan: an operation's graph as the engine walks it. Made once per revision, never changed.

A port's name is what follows the last of `-ei-`, `-eo-`, `-si-`, `-so-` in its hash, else its label, else the hash (ultravisor-hub 8.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schema.runs.rules.nodes import Policy, policy_of

#: The largest graph: what one revision may hold, and what a plan costs in memory (about 1 kB a node).
MOST_NODES, MOST_CONNECTIONS = 10_000, 50_000
#: Executions of one run, unless the operation says less: a cycle that never ends, ends here.
MOST_STEPS = 100_000

START, END = "start", "end"
_MARK = re.compile(r".*-(ei|eo|si|so)-(.+)", re.DOTALL)


class BadGraph(ValueError):
    """A graph that cannot be walked."""


@dataclass(frozen=True, slots=True)
class Node:
    """One card. `join`: `any` begins the node at each signal, `all` when each inbound edge has brought one."""

    hash: str
    type: str
    title: str
    settings: Mapping[str, Any]
    join: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Edge:
    """An event connection; `number` tells it from others for the joins."""

    number: int
    source: str
    event: str
    target: str
    input: str


@dataclass(frozen=True, slots=True)
class Wire:
    """A state connection: an output of one node is a setting of another."""

    source: str
    output: str
    target: str
    setting: str
    template: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What one revision of an operation is made of."""

    operation: str
    name: str
    nodes: Mapping[str, Node]
    #: (node, event) -> where it leads.
    leads: Mapping[tuple[str, str], tuple[Edge, ...]]
    #: Node -> its outgoing edges, whatever their event: a start node fires all of them.
    out: Mapping[str, tuple[Edge, ...]]
    #: (node, input event) -> numbers of the edges that lead there.
    into: Mapping[tuple[str, str], tuple[int, ...]]
    #: Node -> what its settings take from other nodes.
    wires: Mapping[str, tuple[Wire, ...]]
    most_steps: int
    #: What the state of a run begins with.
    global_state: Mapping[str, Any]
    operation_state: Mapping[str, Any]
    #: Node -> its type, its own settings, and those that are templates; filled as nodes are first begun.
    prepared: dict[str, tuple[Any, Mapping[str, Any], tuple[str, ...]]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def starts(self) -> list[str]:
        return [node.hash for node in self.nodes.values() if node.type == START]


def plan_of(document: Mapping[str, Any]) -> Plan:
    """The plan of an operation. Raises BadGraph with the first thing that is wrong."""
    graph = document.get("Graph") or {}
    rows, connections = graph.get("Nodes") or [], graph.get("Connections") or []
    if len(rows) > MOST_NODES or len(connections) > MOST_CONNECTIONS:
        raise BadGraph(f"a graph has at most {MOST_NODES} nodes and {MOST_CONNECTIONS} connections")
    nodes = _nodes(rows, str(document.get("DefaultJoin") or graph.get("DefaultJoin") or "any").lower())
    labels = {port["Hash"]: str(port.get("Label") or "") for row in rows for port in row.get("Ports") or [] if isinstance(port.get("Hash"), str)}
    leads: dict[tuple[str, str], list[Edge]] = {}
    out: dict[str, list[Edge]] = {}
    into: dict[tuple[str, str], list[int]] = {}
    wires: dict[str, list[Wire]] = {}
    for number, connection in enumerate(connections):
        source, target = _end(connection, "Source", nodes), _end(connection, "Target", nodes)
        leaves, enters = port_name(connection.get("SourcePortHash"), labels), port_name(connection.get("TargetPortHash"), labels)
        data = connection.get("Data") or {}
        if is_state(connection):
            wires.setdefault(target, []).append(Wire(source, str(data.get("StateKey") or leaves), target, enters, str(data.get("Template") or "")))
            continue
        edge = Edge(number, source, leaves, target, enters)
        leads.setdefault((source, leaves), []).append(edge)
        out.setdefault(source, []).append(edge)
        into.setdefault((target, enters), []).append(number)
    return Plan(
        operation=str(document.get("Hash") or ""),
        name=str(document.get("Name") or ""),
        nodes=nodes,
        leads={key: tuple(edges) for key, edges in leads.items()},
        out={key: tuple(edges) for key, edges in out.items()},
        into={key: tuple(numbers) for key, numbers in into.items()},
        wires={key: tuple(found) for key, found in wires.items()},
        most_steps=_most_steps(document),
        global_state=document.get("InitialGlobalState") or {},
        operation_state=document.get("InitialOperationState") or {},
    )


def _most_steps(document: Mapping[str, Any]) -> int:
    wanted = document.get("MaxExecutions")
    return min(max(int(wanted), 1), MOST_STEPS) if isinstance(wanted, int) and not isinstance(wanted, bool) else MOST_STEPS


def _nodes(rows: Any, default_join: str) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for row in rows:
        hash = row.get("Hash") if isinstance(row, Mapping) else None
        if not isinstance(hash, str) or not hash:
            raise BadGraph("a node has no Hash")
        if hash in nodes:
            raise BadGraph(f"two nodes are called {hash}")
        settings = {**(row.get("Data") or {}), **(row.get("Settings") or {})}
        join = str(row.get("Join") or settings.get("Join") or default_join).lower()
        if join not in ("any", "all"):
            raise BadGraph(f"node {hash}: Join is any or all, not {join[:20]}")
        type = str(row.get("DefinitionHash") or row.get("Type") or "")
        if type in (START, END) or row.get("Type") in (START, END):
            type = str(row.get("Type") or type)
        try:
            policy = policy_of(row.get("Policy") or {})
        except ValueError as error:
            raise BadGraph(f"node {hash}: {error}") from None
        nodes[hash] = Node(hash, type, str(row.get("Title") or hash), settings, join, policy)
    return nodes


def _end(connection: Mapping[str, Any], side: str, nodes: Mapping[str, Node]) -> str:
    hash = connection.get(f"{side}NodeHash")
    if not isinstance(hash, str) or hash not in nodes:
        raise BadGraph(f"connection {connection.get('Hash')}: there is no node {str(hash)[:80]}")
    return hash


def port_name(hash: Any, labels: Mapping[str, str]) -> str:
    """The name of a port.

    >>> port_name("n1-eo-Complete", {}), port_name("p", {"p": "Done"}), port_name("p", {})
    ('Complete', 'Done', 'p')
    """
    text = str(hash or "")
    marked = _MARK.fullmatch(text)
    return marked[2] if marked else labels.get(text) or text


def is_state(connection: Mapping[str, Any]) -> bool:
    """Whether a connection carries a value, not an event: as it says, else as its ports' marks say."""
    said = str(connection.get("ConnectionType") or "").lower()
    if said:
        return said == "state"
    marks = [found[1] for side in ("Source", "Target") if (found := _MARK.fullmatch(str(connection.get(f"{side}PortHash") or "")))]
    return "si" in marks or ("so" in marks and "ei" not in marks)
