// The timeline as a drawing: columns of what ended, and below them a lane for each beacon with what it did.

const NS = "http://www.w3.org/2000/svg";
const LEFT = 120, LEFT_NARROW = 76, TOP = 26, COLUMNS = 90, LANE = 26, FOOT = 24, MOST_LANES = 60, MOST_TRACKS = 5;
const KINDS = { Completed: "good", Failed: "bad", Stalled: "warn", Lost: "warn", RetryScheduled: "warn", Canceled: "bad", "Admission.Denied": "bad" };
export const kindOf = (type) => KINDS[type] ?? "";
const STACK = ["good", "warn", "bad"];
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400].map((seconds) => seconds * 1000);

const node = (name, attributes = {}, ...children) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
const titled = (element, text) => {
  element.append(node("title", {}, text));
  return element;
};

/** Give what a beacon did at the same time tracks of their own, as far as there is room. Returns how many there are. */
function trackOf(bars) {
  bars.sort((one, other) => one.from - other.from);
  const ends = [];
  for (const bar of bars) {
    const free = ends.findIndex((end) => end <= bar.from + 1);
    bar.track = free >= 0 ? free : ends.length < MOST_TRACKS ? ends.length : 0;
    ends[bar.track] = Math.max(ends[bar.track] ?? 0, bar.to);
  }
  return Math.max(1, ends.length);
}

export class Chart {
  constructor(host) {
    this.host = host;
    this.pick = null;
  }

  /** The moment under a place of the page. */
  moment(x) {
    const box = this.host.getBoundingClientRect();
    return this.from + ((x - box.left - this.left) / (this.width - this.left)) * (this.to - this.from);
  }

  /** Draw. `lanes` are [id, name]; `odd` are anomalies; `columns` are [{at, length, counts}]. */
  draw({ from, to, now, lanes, records, present, future, columns, odd, words, withLanes }) {
    this.width = Math.max(300, this.host.clientWidth);
    this.left = this.width < 600 ? LEFT_NARROW : LEFT;
    Object.assign(this, { from, to });
    const shown = withLanes ? lanes.slice(0, MOST_LANES) : [], waits = withLanes && future.length > 0 && to > now;
    const height = TOP + COLUMNS + (shown.length + (waits ? 1 : 0)) * LANE + FOOT;
    const svg = node("svg", { viewBox: `0 0 ${this.width} ${height}`, height, role: "img" });
    const clip = node("clipPath", { id: "line-clip" }, node("rect", { x: this.left, y: 0, width: this.width - this.left, height }));
    svg.append(node("defs", {}, clip), ...this.#frame(height, now, words));
    const inside = node("g", { "clip-path": "url(#line-clip)" });
    inside.append(...this.#columns(columns), ...odd.map((one) => this.#odd(one, words)));
    const rows = new Map(shown.map(([id], place) => [id, TOP + COLUMNS + place * LANE]));
    if (withLanes) inside.append(...this.#bars(rows, records, present, now, words));
    svg.append(inside, ...this.#names(shown, rows, lanes.length));
    if (waits) svg.append(...this.#expected(TOP + COLUMNS + shown.length * LANE, future, words));
    if (this.pick) svg.append(node("rect", { class: "pick", x: Math.min(...this.pick), y: TOP, width: Math.abs(this.pick[1] - this.pick[0]), height: height - TOP - FOOT }));
    this.host.replaceChildren(svg);
  }

  x(at) {
    return this.left + ((at - this.from) / (this.to - this.from)) * (this.width - this.left);
  }

  *#frame(height, now, words) {
    if (this.to > now) yield node("rect", { class: "future", x: Math.max(this.left, this.x(now)), y: TOP - 8, width: Math.max(0, this.width - Math.max(this.left, this.x(now))), height: height - TOP - FOOT + 8 });
    const room = Math.max(2, Math.floor((this.width - this.left) / 110));
    const step = STEPS.find((one) => (this.to - this.from) / one <= room) ?? STEPS.at(-1);
    const zone = new Date(this.from).getTimezoneOffset() * 60_000;
    for (let at = Math.ceil((this.from - zone) / step) * step + zone; at < this.to; at += step) {
      yield node("line", { class: "grid-line", x1: this.x(at), x2: this.x(at), y1: TOP - 8, y2: height - FOOT });
      if (this.x(at) < this.width - 22) yield node("text", { x: this.x(at), y: height - 6, "text-anchor": "middle" }, words.tick(at, step));
    }
    if (now > this.from && now < this.to) yield node("line", { class: "now-line", x1: this.x(now), x2: this.x(now), y1: TOP - 8, y2: height - FOOT });
  }

  *#columns(columns) {
    const sums = columns.map(({ counts }) => STACK.map((kind) => Object.entries(counts).reduce((sum, [type, n]) => sum + (kindOf(type) === kind ? n : 0), 0)));
    const most = Math.max(1, ...sums.map((one) => one.reduce((sum, n) => sum + n, 0)));
    for (const [place, { at, length }] of columns.entries()) {
      let y = TOP + COLUMNS - 10;
      const x = this.x(at), width = Math.max(1, this.x(at + length) - x - 1);
      for (const [which, kind] of STACK.entries()) {
        const high = (sums[place][which] / most) * (COLUMNS - 16);
        if (!high) continue;
        y -= high;
        yield titled(node("rect", { "data-kind": kind, x, y, width, height: high }), `${sums[place][which]} ${{ good: "completed", warn: "stalled, lost or tried again", bad: "failed or canceled" }[kind]}`);
      }
    }
  }

  #odd(one, words) {
    const x = this.x(one.at + one.length / 2);
    return titled(node("path", { "data-kind": "odd", d: `M ${x} ${TOP - 14} l 6 11 h -12 z` }), words.odd(one));
  }

  *#bars(rows, records, present, now, words) {
    const ended = records.filter((one) => kindOf(one.type)).map((one) => ({ ...one, kind: kindOf(one.type), text: words.record(one) }));
    const held = present.map((one) => ({ ...one, to: now, kind: one.status === "Stalled" ? "warn" : "now", text: words.present(one) }));
    const bars = new Map([...rows.keys()].map((beacon) => [beacon, []]));
    for (const one of [...ended, ...held]) bars.get(one.beacon)?.push(one);
    for (const [beacon, all] of bars) {
      const tracks = trackOf(all), high = (LANE - 6) / tracks;
      // Bars of one kind that would lie on each other are drawn once.
      const last = new Map();
      for (const one of all) {
        const x = this.x(one.from), width = Math.max(2, this.x(one.to) - x), key = `${one.track} ${one.kind}`;
        if (x + width <= (last.get(key) ?? -Infinity) + 0.5) continue;
        last.set(key, x + width);
        yield this.#bar(one, x, rows.get(beacon) + 3 + one.track * high, width, Math.max(2, high - 1));
      }
    }
  }

  #bar({ hash, kind, text }, x, y, width, height) {
    const rect = titled(node("rect", { "data-kind": kind, x, y, width, height, rx: Math.min(2, height / 3) }), text);
    return hash ? node("a", { href: `/items/${encodeURIComponent(hash)}`, tabindex: -1 }, rect) : rect;
  }

  *#names(shown, rows, all) {
    for (const [id, name] of shown) {
      const y = rows.get(id);
      yield node("line", { class: "lane", x1: 0, x2: this.width, y1: y, y2: y });
      const letters = Math.floor(this.left / 7.4);
      yield titled(node("text", { class: "name", x: 0, y: y + LANE / 2 + 4 }, name.length > letters ? `${name.slice(0, letters - 1)}…` : name), name);
    }
    yield node("text", { x: 0, y: TOP + 10 }, "ended");
    if (all > shown.length && shown.length) yield node("text", { x: 0, y: 12 }, `${shown.length} of ${all} beacons`);
  }

  *#expected(y, future, words) {
    yield node("line", { class: "lane", x1: 0, x2: this.width, y1: y, y2: y });
    yield node("text", { class: "name", x: 0, y: y + LANE / 2 + 4 }, "expected");
    for (const one of future) {
      const x = this.x(one.from);
      if (x < this.width) yield titled(node("rect", { "data-kind": "next", x, y: y + 6, width: 6, height: LANE - 12, opacity: 0.4 + 0.6 * one.sure }), words.expected(one));
    }
  }
}
