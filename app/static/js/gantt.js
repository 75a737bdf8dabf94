// A Gantt chart: a line for each node, with what it waited and what it ran. It shows the whole, or the stretch that somebody looks at.

import { byId } from "./dom.js";
import { draw, titled } from "./svg.js";

const LEFT = 170, LEFT_NARROW = 96, TOP = 8, LINE = 24, FOOT = 22, THIN = 3, DRAGGED = 6, SHORTEST_MS = 4, RIGHT = 12;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5];

export class Gantt {
  #fixed = null;
  #whole = [0, 1];
  #pick = null;

  /** `chosen(hash)` hears which node somebody chose; `changed()` when another stretch is looked at; `words(ms)` says a duration. */
  constructor(host, { chosen, changed, words }) {
    Object.assign(this, { host, changed, words });
    host.addEventListener("click", (event) => {
      const hash = event.target.closest?.("[data-node]")?.dataset.node;
      if (hash) chosen(hash);
    });
    host.addEventListener("pointerdown", (event) => this.#drag(event));
    host.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the wheel is the page's
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.#moment(event.clientX));
    }, { passive: false });
    host.addEventListener("keydown", (event) => {
      const act = { ArrowLeft: () => this.move(-0.2), ArrowRight: () => this.move(0.2), "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.all() }[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      act();
    });
    new ResizeObserver(() => changed()).observe(host);
  }

  /** Buttons that move and zoom it. */
  steer({ earlier, later, nearer, farther, whole }) {
    const acts = [[earlier, () => this.move(-0.25)], [later, () => this.move(0.25)], [nearer, () => this.zoom(0.5)], [farther, () => this.zoom(2)], [whole, () => this.all()]];
    for (const [id, act] of acts) byId(id).addEventListener("click", act);
  }

  get ends() {
    return this.#fixed ?? this.#whole;
  }

  all() {
    this.#fixed = null;
    this.changed();
  }

  move(part) {
    const [from, to] = this.ends;
    this.#look(from + (to - from) * part, to + (to - from) * part);
  }

  zoom(factor, about) {
    const [from, to] = this.ends, middle = about ?? (from + to) / 2;
    this.#look(middle - (middle - from) * factor, middle + (to - middle) * factor);
  }

  #look(from, to) {
    const [first, last] = this.#whole, length = Math.max(SHORTEST_MS, to - from);
    // Beyond the whole there is nothing to look at.
    if (length >= last - first) this.#fixed = null;
    else {
      const start = Math.min(Math.max(from, first), last - length);
      this.#fixed = [start, start + length];
    }
    this.changed();
  }

  /** Draw. `rows` are [{hash, name, bars: [{kind, from, to, execution}]}]; `whole` are the ends of the run; `picked` is a node. */
  draw(rows, whole, picked) {
    this.#whole = whole;
    this.wide = Math.max(280, this.host.clientWidth);
    this.left = this.wide < 600 ? LEFT_NARROW : LEFT;
    const high = TOP + rows.length * LINE + FOOT;
    const svg = draw("svg", { viewBox: `0 0 ${this.wide} ${high}`, height: high });
    svg.append(draw("defs", {}, draw("clipPath", { id: "gantt-clip" }, draw("rect", { x: this.left, y: 0, width: this.wide - this.left, height: high }))), ...this.#scale(high));
    const inside = draw("g", { "clip-path": "url(#gantt-clip)" });
    rows.forEach((row, place) => {
      const y = TOP + place * LINE, letters = Math.floor(this.left / 7.2);
      const name = draw("text", { class: "name", x: 0, y: y + LINE / 2 + 4, "data-node": row.hash }, row.name.length > letters ? `${row.name.slice(0, letters - 1)}…` : row.name);
      if (row.hash === picked) svg.append(draw("rect", { class: "picked", x: 0, y, width: this.wide, height: LINE }));
      svg.append(draw("line", { class: "lane", x1: 0, x2: this.wide, y1: y + LINE, y2: y + LINE }), titled(name, row.name));
      inside.append(...this.#bars(row, y));
    });
    svg.append(inside);
    if (this.#pick) svg.append(draw("rect", { class: "pick", x: Math.min(...this.#pick), y: 0, width: Math.abs(this.#pick[1] - this.#pick[0]), height: high - FOOT }));
    this.host.replaceChildren(svg);
  }

  *#bars({ hash, name, bars }, y) {
    for (const { kind, from, to, execution } of bars) {
      const x = this.#x(from), wide = Math.max(THIN, this.#x(to) - x), words = { wait: "waited", warn: "between two tries", now: "runs", good: "complete", bad: "failed" }[kind];
      const told = `${name}: ${words}, ${this.words(to - from)}${execution.EventFired ? `; left by ${execution.EventFired}` : ""}`;
      yield titled(draw("rect", { "data-kind": kind, "data-node": hash, x, y: y + 5, width: wide, height: LINE - 10, rx: 2 }), told);
    }
  }

  *#scale(high) {
    const [from, to] = this.ends, [first] = this.#whole, room = Math.max(2, Math.floor((this.wide - this.left) / 90));
    const step = STEPS.find((one) => (to - from) / one <= room) ?? STEPS.at(-1);
    for (let at = Math.ceil((from - first) / step) * step; first + at <= to; at += step) {
      const x = this.#x(first + at);
      yield draw("line", { class: "grid-line", x1: x, x2: x, y1: 0, y2: high - FOOT });
      if (x < this.wide - 16) yield draw("text", { x, y: high - 6, "text-anchor": "middle" }, at ? `+${this.words(at).replace(/ 0 \w+$/, "").replace(".0 ", " ")}` : "start");
    }
  }

  #x(at) {
    const [from, to] = this.ends;
    return this.left + ((at - from) / (to - from)) * (this.wide - this.left - RIGHT);
  }

  #moment(x) {
    const box = this.host.getBoundingClientRect(), [from, to] = this.ends;
    return from + ((x - box.left - this.left) / (this.wide - this.left - RIGHT)) * (to - from);
  }

  /** A stretch that is drawn with the pointer is what one wants to see. */
  #drag(event) {
    if (event.button !== 0 || event.pointerType === "touch") return;
    const box = this.host.getBoundingClientRect(), start = event.clientX;
    const at = (x) => Math.min(this.wide, Math.max(this.left, x - box.left));
    const move = (moved) => {
      if (Math.abs(moved.clientX - start) < DRAGGED) return;
      this.#pick = [at(start), at(moved.clientX)];
      this.changed();
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", (ended) => {
      window.removeEventListener("pointermove", move);
      if (!this.#pick) return;
      this.#pick = null;
      const [one, other] = [this.#moment(start), this.#moment(ended.clientX)].sort((a, b) => a - b);
      // The click that ends the drawing chooses nothing.
      this.host.addEventListener("click", (click) => click.stopImmediatePropagation(), { capture: true, once: true });
      this.#look(one, other);
    }, { once: true });
  }
}
