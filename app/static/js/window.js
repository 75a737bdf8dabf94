// The stretch of time that is looked at: it follows the present, or stands still. The address holds it.

const LENGTHS = { "1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "6h": 21_600, "24h": 86_400 };
const SHORTEST_MS = 5_000, LONGEST_MS = 7 * 86_400_000;
// Of a stretch that follows the present, the last part is what is to come, but nobody can see farther than this.
const FUTURE = 0.1, FARTHEST_MS = 120_000;

export class TimeWindow {
  /** `changed()` is told when another stretch is looked at; `now()` is the hub's clock. */
  constructor(now, changed) {
    Object.assign(this, { now, changed });
    this.read();
    window.addEventListener("popstate", () => {
      this.read();
      changed();
    });
  }

  read() {
    const said = new URLSearchParams(location.search), from = Date.parse(said.get("from") ?? ""), to = Date.parse(said.get("to") ?? "");
    this.capability = said.get("capability") ?? "";
    this.range = said.get("range") in LENGTHS ? said.get("range") : "5m";
    this.fixed = from < to ? [from, to] : null;
  }

  get follows() {
    return this.fixed === null;
  }

  /** From and to, in milliseconds. */
  get ends() {
    if (this.fixed) return this.fixed;
    const length = LENGTHS[this.range] * 1000, now = this.now();
    return [now - length, now + Math.min(FUTURE * length, FARTHEST_MS)];
  }

  choose(range) {
    Object.assign(this, { range, fixed: null });
    this.#tell();
  }

  follow() {
    this.fixed = null;
    this.#tell();
  }

  narrow(capability) {
    this.capability = capability;
    this.#tell();
  }

  /** Look at this stretch, no shorter and no longer than makes sense. */
  look(from, to, step = true) {
    const middle = (from + to) / 2, length = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, to - from));
    this.fixed = [Math.round(middle - length / 2), Math.round(middle + length / 2)];
    this.#tell(step);
  }

  /** Move by a part of its length. */
  move(part) {
    const [from, to] = this.ends, by = (to - from) * part;
    this.look(from + by, to + by, false);
  }

  /** Make it longer or shorter about a moment, its middle unless one is given. */
  zoom(factor, about) {
    const [from, to] = this.ends, middle = about ?? (from + to) / 2;
    this.look(middle - (middle - from) * factor, middle + (to - middle) * factor, false);
  }

  #tell(step = true) {
    const said = new URLSearchParams(this.capability ? { capability: this.capability } : {});
    if (this.fixed) this.fixed.forEach((at, place) => said.set(place ? "to" : "from", new Date(at).toISOString()));
    else if (this.range !== "5m") said.set("range", this.range);
    const query = said.toString();
    history[step ? "pushState" : "replaceState"](null, "", `${location.pathname}${query && `?${query}`}`);
    this.changed();
  }
}
