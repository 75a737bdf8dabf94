// What is looked for: the form, the address and the links say the same at all times.

import { attribute, byId, mark, show } from "./dom.js";

const NAMES = ["text", "capability", "action", "status", "bucket", "beacon", "run", "order"];
const TYPING_MS = 300;
const DEFAULTS = { order: "newest" };
const STATUSES = {
  Upcoming: ["Delayed", "Pending", "RetryScheduled"], InProgress: ["Running"], Stalled: ["Stalled"], Completed: ["Complete"], Errored: ["Error", "Canceled"],
};

export class Filter {
  #timer = 0;

  /** `changed()` is told when something else is looked for. */
  constructor(changed) {
    this.changed = changed;
    this.form = byId("filters");
    this.read();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#take(false);
    });
    this.form.addEventListener("change", () => this.#take(false));
    this.form.addEventListener("input", (event) => {
      if (event.target.tagName !== "INPUT") return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#take(true), TYPING_MS);
    });
    window.addEventListener("popstate", () => this.read() && this.changed());
  }

  /** Take over what the address says. Returns whether that is something else than before. */
  read() {
    const before = this.query();
    const said = new URLSearchParams(location.search);
    this.wanted = Object.fromEntries(NAMES.map((name) => [name, said.get(name) ?? DEFAULTS[name] ?? ""]));
    this.#fill();
    return this.query() !== before;
  }

  /** Look for this; `changes` are values by name. */
  set(changes) {
    this.wanted = { ...this.wanted, ...changes };
    // Only what waits for a beacon has an order of dispatch.
    if (this.wanted.order === "next" && !["", "Pending"].includes(this.wanted.status)) this.wanted.order = "newest";
    if (this.wanted.order === "next" && !["", "Upcoming"].includes(this.wanted.bucket)) this.wanted.order = "newest";
    this.#tell(false);
  }

  /** The filter as a query, without what is not said. */
  query(more = {}) {
    if (!this.wanted) return "";
    const said = Object.entries({ ...this.wanted, ...more }).filter(([name, value]) => value !== "" && value !== DEFAULTS[name]);
    return new URLSearchParams(said).toString();
  }

  /** Whether anything is looked for at all. */
  get narrow() {
    return this.query({ order: "" }) !== "";
  }

  /** Whether an item of this state belongs here. */
  admits(status) {
    const { bucket, order } = this.wanted;
    if (order === "next") return status === "Pending";
    if (this.wanted.status) return status === this.wanted.status;
    return !bucket || STATUSES[bucket].includes(status);
  }

  /** Offer these values in a field; what is chosen stays on offer. */
  offer(name, values) {
    const field = this.form.elements[name], chosen = this.wanted[name];
    const wanted = new Map([["", "any"], ...values]);
    if (chosen && !wanted.has(chosen)) wanted.set(chosen, chosen);
    const now = [...field.options].map((option) => `${option.value}\n${option.text}`).join("\0");
    if (now === [...wanted].map(([value, text]) => `${value}\n${text}`).join("\0")) return;
    field.replaceChildren(...[...wanted].map(([value, text]) => new Option(text, value, false, value === chosen)));
  }

  #take(typed) {
    clearTimeout(this.#timer);
    const said = Object.fromEntries([...new FormData(this.form)].map(([name, value]) => [name, value.trim()]));
    const after = { ...this.wanted, ...said };
    // A state that is chosen here stands for itself, not within a column.
    if (said.status !== this.wanted.status) after.bucket = "";
    if (after.order === "next" && this.wanted.order !== "next") Object.assign(after, { status: "Pending", bucket: "" });
    else if (after.order === "next" && !["", "Pending"].includes(after.status)) after.order = "newest";
    if (JSON.stringify(after) === JSON.stringify(this.wanted)) return;
    this.wanted = after;
    this.#tell(typed);
  }

  #tell(typed) {
    const query = this.query();
    // Letters are no steps to go back by.
    history[typed ? "replaceState" : "pushState"](null, "", `${location.pathname}${query && `?${query}`}`);
    this.#fill(typed);
    this.changed();
  }

  #fill(typed = false) {
    for (const name of NAMES) {
      const field = this.form.elements[name];
      if (!field) continue;
      const value = this.wanted[name];
      if (field.tagName === "SELECT" && ![...field.options].some((option) => option.value === value)) field.add(new Option(value, value));
      if (!typed && field.value !== value) field.value = value;
      mark(field.closest("label"), "set", String(value !== "" && value !== DEFAULTS[name]));
    }
    show(byId("clear"), this.narrow);
    for (const link of document.querySelectorAll("#states a")) {
      const said = new URL(link.href).searchParams;
      const here = [...said].every(([name, value]) => this.wanted[name] === value);
      if (here) attribute(link, "aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}
