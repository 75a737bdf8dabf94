// Where nodes stand when nobody says where: in layers from left to right, as the events lead.

import { Graph, layout } from "../lib/dagre.js";

/** Places for all cards: [{hash, x, y}]. */
export function arranged({ cards, lines }) {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 36, ranksep: 70, marginx: 40, marginy: 40 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const card of cards) graph.setNode(card.hash, { width: card.wide, height: card.high });
  for (const line of lines) graph.setEdge(line.from, line.to, {}, line.hash);
  layout(graph);
  return cards.map((card) => {
    const { x, y } = graph.node(card.hash);
    return { hash: card.hash, x: Math.round(x - card.wide / 2), y: Math.round(y - card.high / 2) };
  });
}
