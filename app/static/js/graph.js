// A graph on the page: cards that are looked at, and in the editor moved and connected. The library draws; what there is to draw is told.

import { byId, make } from "./dom.js";

const FAR = 0.1, NEAR = 2, READABLE = 0.42, MARGIN = 24, STEP = 1.2;

let library = null;

/** The library is not ours and may not be installed. Resolves to null then. */
export function loaded() {
  library ??= import("../lib/x6.js").then(() => {
    const { Config, Graph, Shape } = globalThis.X6;
    // Styles come from files alone; ours have what is needed.
    Config.autoInsertCSS = false;
    register(Graph);
    return { Graph, Shape };
  }, () => null);
  return library;
}

function register(Graph) {
  const group = (side) => ({
    position: "absolute",
    markup: [{ tagName: "path", selector: "mark", className: "g-port" }],
    label: { position: { name: side === "in" ? "right" : "left", args: { x: side === "in" ? 9 : -9 } }, markup: [{ tagName: "text", selector: "text", className: "g-port-name" }] },
  });
  Graph.registerNode("card", {
    markup: [
      { tagName: "rect", selector: "body", className: "g-body" },
      { tagName: "path", selector: "mark", className: "g-mark" },
      { tagName: "text", selector: "title", className: "g-title" },
      { tagName: "text", selector: "about", className: "g-about" },
      { tagName: "text", selector: "badge", className: "g-badge" },
    ],
    attrs: {
      body: { refWidth: "100%", refHeight: "100%", rx: 6, ry: 6 },
      mark: { d: "M 6 0.5 H 4 A 4 4 0 0 0 0.5 6 V 40 A 4 4 0 0 0 4 45.5 H 6 Z" },
      title: { x: 14, y: 19 },
      about: { x: 14, y: 36 },
      badge: { refX: "100%", refX2: -10, y: 36, textAnchor: "end" },
    },
    portMarkup: [{ tagName: "path", selector: "mark" }],
    ports: { groups: { in: group("in"), out: group("out") } },
  }, true);
}

// Events enter and leave by arrows, values by diamonds.
const MARKS = { event: "M -5 -5 L 5 0 L -5 5 Z", value: "M -5 0 L 0 -5 L 5 0 L 0 5 Z" };

export class GraphView {
  #graph = null;
  #cards = new Map();
  #lines = new Map();
  #states = new Map();
  #badges = new Map();
  #picked = new Set();

  /**
   * Hears in the editor: moved([{hash, x, y}]), connected({from, fromPort, to, toPort}); and everywhere: picked(kind, hash, event) with
   * `node`, `line` or `nothing`, opened(hash).
   */
  constructor({ Graph }, host, hears, editable = false) {
    Object.assign(this, { host, hears, editable });
    // The library takes the size of what its element lies in, and gives it to the element.
    const container = make("div", { className: "graph-sheet" });
    host.append(container);
    host.classList.toggle("is-editable", editable);
    this.#graph = new Graph({
      container,
      autoResize: true,
      panning: { enabled: true, eventTypes: ["leftMouseDown"] },
      mousewheel: { enabled: true, modifiers: ["ctrl", "meta"], minScale: FAR, maxScale: NEAR },
      interacting: editable ? { nodeMovable: true, edgeMovable: false, magnetConnectable: true, arrowheadMovable: false, vertexMovable: false, edgeLabelMovable: false } : false,
      connecting: {
        snap: { radius: 26 }, allowBlank: false, allowLoop: true, allowEdge: false, allowNode: false, allowMulti: true, highlight: true,
        createEdge: () => this.#graph.createEdge(this.#lineAs({ kind: "event" })),
        validateMagnet: ({ magnet }) => magnet.getAttribute("data-side") === "out",
        validateConnection: ({ sourceMagnet, targetMagnet }) => fits(sourceMagnet, targetMagnet),
      },
      highlighting: {
        magnetAvailable: { name: "className", args: { className: "g-available" } },
        magnetAdsorbed: { name: "className", args: { className: "g-adsorbed" } },
      },
    });
    this.#listen();
  }

  #listen() {
    const graph = this.#graph, told = (kind) => ({ e, cell }) => this.hears.picked?.(kind, cell.id, e.originalEvent ?? e);
    graph.on("node:click", told("node"));
    graph.on("edge:click", told("line"));
    graph.on("node:dblclick", ({ node }) => this.hears.opened?.(node.id));
    graph.on("blank:click", ({ e }) => this.hears.picked?.("nothing", null, e.originalEvent ?? e));
    if (!this.editable) return;
    graph.on("node:moved", ({ node }) => {
      const { x, y } = node.position();
      const before = this.#cards.get(node.id), others = this.#picked.has(node.id) ? [...this.#picked].filter((hash) => hash !== node.id) : [];
      const moved = others.map((hash) => ({ hash, x: this.#cards.get(hash).x + x - before.x, y: this.#cards.get(hash).y + y - before.y }));
      this.hears.moved([{ hash: node.id, x, y }, ...moved].map((one) => ({ ...one, x: Math.round(one.x), y: Math.round(one.y) })));
    });
    graph.on("edge:connected", ({ isNew, edge }) => {
      if (!isNew) return;
      const ends = { from: edge.getSourceCellId(), fromPort: edge.getSourcePortId(), to: edge.getTargetCellId(), toPort: edge.getTargetPortId() };
      // What the library has drawn goes; what comes of it is drawn from the sheet, like everything.
      edge.remove();
      this.hears.connected(ends);
    });
  }

  /** Draw this; what did not change is left alone. */
  draw({ cards, lines }) {
    const wantedCards = new Map(cards.map((card) => [card.hash, card])), wantedLines = new Map(lines.map((line) => [line.hash, line]));
    this.#graph.startBatch("draw");
    for (const [hash, line] of this.#lines) if (!same(line, wantedLines.get(hash))) this.#graph.removeCell(hash);
    for (const [hash, card] of this.#cards) if (!wantedCards.has(hash)) this.#graph.removeCell(hash);
    for (const card of cards) this.#card(card, this.#cards.get(card.hash));
    for (const line of lines) if (!this.#graph.getCellById(line.hash)) this.#graph.addEdge(this.#lineAs(line));
    [this.#cards, this.#lines] = [wantedCards, wantedLines];
    this.#graph.stopBatch("draw");
    for (const hash of this.#cards.keys()) this.#mark(hash);
    this.pick([...this.#picked]);
  }

  #card(card, before) {
    const known = this.#graph.getCellById(card.hash);
    if (!known) return this.#graph.addNode(this.#cardAs(card));
    if (!same(card.ports, before.ports)) known.prop("ports/items", this.#ports(card), { rewrite: true });
    if (card.high !== before.high) known.resize(card.wide, card.high);
    const { x, y } = known.position();
    if (card.x !== x || card.y !== y) known.position(card.x, card.y);
    if (card.title !== before.title) known.attr("title/text", card.title);
    if (card.about !== before.about) known.attr("about/text", card.about);
    return known;
  }

  #cardAs(card) {
    const attrs = { body: { "data-node": card.hash, "data-unknown": String(card.unknown) }, title: { text: card.title }, about: { text: card.about }, badge: { text: "" } };
    return { id: card.hash, shape: "card", x: card.x, y: card.y, width: card.wide, height: card.high, attrs, ports: { items: this.#ports(card) }, zIndex: 2 };
  }

  #ports(card) {
    return card.ports.map((port) => ({
      id: port.id, group: port.side, args: { x: port.x, y: port.y },
      attrs: {
        mark: { d: MARKS[port.kind], magnet: this.editable, "data-side": port.side, "data-kind": port.kind, "data-error": String(port.error), "data-port": port.id, "data-used": String(Boolean(port.used)) },
        text: { text: port.name.length > 14 && card.ports.some((other) => other.side !== port.side) ? `${port.name.slice(0, 13)}…` : port.name },
      },
    }));
  }

  #lineAs(line) {
    return {
      ...(line.hash ? { id: line.hash, source: { cell: line.from, port: line.fromPort }, target: { cell: line.to, port: line.toPort } } : {}),
      markup: [{ tagName: "path", selector: "reach", className: "g-reach", groupSelector: "lines" }, { tagName: "path", selector: "line", className: "g-line", groupSelector: "lines" }],
      attrs: { lines: { connection: true, fill: "none" }, line: { "data-kind": line.kind, "data-line": line.hash ?? "", targetMarker: line.kind === "event" ? { name: "classic", size: 7 } : null } },
      connector: { name: "smooth", args: { direction: "H" } },
      zIndex: 1,
    };
  }

  /** Show a node's state, in its colour and word. */
  state(hash, kind, words = "") {
    this.#states.set(hash, { kind, words });
    this.#mark(hash);
  }

  /** Show something that was found about nodes: `badges` are texts with their kinds, by hash. */
  badges(badges) {
    this.#badges = badges;
    for (const hash of this.#cards.keys()) this.#mark(hash);
  }

  #mark(hash) {
    const cell = this.#graph.getCellById(hash), state = this.#states.get(hash), badge = this.#badges.get(hash);
    if (!cell) return;
    cell.attr({ body: { "data-state": state?.kind ?? "" }, mark: { "data-state": state?.kind ?? "" }, badge: { text: badge?.text ?? state?.words ?? "", "data-kind": badge?.kind ?? "" } });
  }

  /** Show these nodes and lines as chosen. */
  pick(hashes) {
    this.#picked = new Set(hashes);
    for (const hash of this.#cards.keys()) this.#graph.getCellById(hash)?.attr("body/data-picked", String(this.#picked.has(hash)));
    for (const hash of this.#lines.keys()) this.#graph.getCellById(hash)?.attr("line/data-picked", String(this.#picked.has(hash)));
  }

  /** Show the whole graph. */
  fit(largest = 1) {
    if (this.#cards.size) this.#graph.zoomToFit({ padding: MARGIN, maxScale: largest, minScale: FAR });
  }

  /** Show the whole graph where it can be read then, else its beginning. */
  open() {
    this.fit();
    if (this.#graph.zoom() >= READABLE || !this.#cards.size) return;
    const cards = [...this.#cards.values()], left = Math.min(...cards.map((card) => card.x));
    const first = cards.find((card) => card.x === left), high = this.host.clientHeight / READABLE;
    this.#graph.zoomTo(READABLE);
    this.#graph.positionPoint({ x: left, y: first.y }, MARGIN / 2, Math.max(MARGIN, (this.host.clientHeight * 0.5 - Math.min(high, first.high) / 2) * 0.6));
  }

  zoom(nearer) {
    const to = Math.min(NEAR, Math.max(FAR, this.#graph.zoom() * (nearer ? STEP : 1 / STEP)));
    this.#graph.zoomTo(to);
  }

  /** Bring a node into the middle where it cannot be seen. */
  reveal(hash) {
    const cell = this.#graph.getCellById(hash);
    if (!cell) return;
    const box = this.#graph.localToGraph(cell.getBBox()), { clientWidth: wide, clientHeight: high } = this.host;
    if (box.x < 0 || box.y < 0 || box.x + box.width > wide || box.y + box.height > high) this.#graph.centerCell(cell);
  }

  /** The middle of what is seen, or the place under a point of the page, as the graph counts. */
  place(point) {
    const box = this.host.getBoundingClientRect();
    return this.#graph.clientToLocal(point?.x ?? box.left + box.width / 2, point?.y ?? box.top + box.height / 2);
  }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** An event leads to where events enter, a value to a setting. */
function fits(from, to) {
  if (!from || !to || from === to) return false;
  const [one, other] = [from, to].map((magnet) => ({ side: magnet.getAttribute("data-side"), kind: magnet.getAttribute("data-kind") }));
  return one.side === "out" && other.side === "in" && one.kind === other.kind;
}

/** Buttons of a page that move and zoom its graph, by their ids. */
export function steer(view, { nearer, farther, whole }) {
  byId(nearer).addEventListener("click", () => view().zoom(true));
  byId(farther).addEventListener("click", () => view().zoom(false));
  byId(whole).addEventListener("click", () => view().fit());
}
