// A graph drawn small, for a look: boxes where its nodes stand, lines between them.

import { draw } from "./svg.js";

const WIDE = 200, HIGH = 80, LETTERS = 20;

export function sketch({ Nodes: nodes, Connections: connections }) {
  const at = new Map(nodes.map((node) => [node.Hash, { x: node.X ?? 0, y: node.Y ?? 0 }]));
  const places = [...at.values()];
  const [left, top] = [Math.min(0, ...places.map(({ x }) => x)), Math.min(0, ...places.map(({ y }) => y))];
  const wide = Math.max(WIDE, ...places.map(({ x }) => x - left + WIDE)), high = Math.max(HIGH, ...places.map(({ y }) => y - top + HIGH));
  const svg = draw("svg", { viewBox: `${left - 20} ${top - 20} ${wide + 40} ${high + 40}`, class: "sketch" });
  for (const { SourceNodeHash, TargetNodeHash } of connections) {
    const from = at.get(SourceNodeHash), to = at.get(TargetNodeHash);
    if (!from || !to) continue;
    const [x1, y1, x2, y2] = [from.x + WIDE, from.y + HIGH / 2, to.x, to.y + HIGH / 2], bend = Math.max(30, Math.abs(x2 - x1) / 2);
    svg.append(draw("path", { d: `M ${x1} ${y1} C ${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` }));
  }
  for (const node of nodes) {
    const { x, y } = at.get(node.Hash), name = String(node.Title || node.Hash);
    svg.append(draw("rect", { x, y, width: WIDE, height: HIGH, rx: 8 }));
    svg.append(draw("text", { x: x + WIDE / 2, y: y + HIGH / 2 + 7, "text-anchor": "middle" }, name.length > LETTERS ? `${name.slice(0, LETTERS - 1)}…` : name));
  }
  return svg;
}
