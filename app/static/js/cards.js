// From an operation's graph to what is drawn of it: cards with ports, and lines between them.

import { carriesValue, portName, portsOf } from "./ports.js";

export const WIDE = 200;
const HEAD = 46, ROW = 19, FOOT = 8, LETTERS = 26;

const cut = (text, letters = LETTERS) => (text.length > letters ? `${text.slice(0, letters - 1)}…` : text);

export const typeOf = (node) => (["start", "end"].includes(node.Type) ? node.Type : node.DefinitionHash || node.Type || "");

/** What is drawn of a node: where, how large, with which words and ports. */
export function cardOf(node, types, connections, values) {
  const type = types.get(typeOf(node)), ports = portsOf(node, type, connections, values);
  const counts = { in: 0, out: 0 };
  const placed = ports.map((port) => ({ ...port, x: port.side === "in" ? 0 : WIDE, y: HEAD + ROW * (counts[port.side]++ + 0.5) }));
  return {
    hash: node.Hash, x: Number(node.X) || 0, y: Number(node.Y) || 0, wide: WIDE, high: HEAD + ROW * Math.max(counts.in, counts.out) + FOOT,
    title: cut(String(node.Title || node.Hash)), about: cut(type?.Name ?? typeOf(node), 30), kind: typeOf(node), unknown: !type, ports: placed,
  };
}

/** The cards and lines of a graph. */
export function drawingOf({ Nodes = [], Connections = [] }, types, values = false) {
  const of = new Map(Nodes.map((node) => [node.Hash, []]));
  for (const connection of Connections) for (const end of new Set([connection.SourceNodeHash, connection.TargetNodeHash])) of.get(end)?.push(connection);
  const cards = Nodes.map((node) => cardOf(node, types, of.get(node.Hash), values));
  const known = new Map(cards.map((card) => [card.hash, card])), nodes = new Map(Nodes.map((node) => [node.Hash, node]));
  // Two hashes may mean one port: what counts is its name.
  const end = (hash, port, side, value) => {
    const ports = known.get(hash).ports, name = portName(nodes.get(hash), port);
    return (ports.find((one) => one.id === port) ?? ports.find((one) => one.side === side && one.name === name && one.kind === (value ? "value" : "event")))?.id;
  };
  const lines = Connections.filter((one) => known.has(one.SourceNodeHash) && known.has(one.TargetNodeHash)).map((one, place) => ({
    hash: one.Hash || `connection ${place}`, kind: carriesValue(one) ? "value" : "event",
    from: one.SourceNodeHash, fromPort: end(one.SourceNodeHash, one.SourcePortHash, "out", carriesValue(one)), to: one.TargetNodeHash, toPort: end(one.TargetNodeHash, one.TargetPortHash, "in", carriesValue(one)),
  }));
  return { cards, lines };
}
