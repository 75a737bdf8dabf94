// The chosen items, what is done to all of them, and what became of each.

import { askCancel, askPriority, perform, performMany } from "./acts.js";
import { byId, make, mark, say, show } from "./dom.js";
import { count, short } from "./format.js";

// Lines of an outcome; the rest is counted.
const LINES = 200;
const DONE = { cancel: "canceled or told to end", requeue: "queued again", priority: "given the priority" };

export class Bulk {
  picked = new Set();
  #last = null;
  #busy = false;

  /** `current()` is the hash under the focus; `done()` is told when something was done, `changed()` when something was chosen. */
  constructor(shelf, current, done, changed) {
    Object.assign(this, { shelf, current, done, changed });
    byId("bulk").addEventListener("click", (event) => {
      const act = event.target.closest("button")?.dataset.act;
      if (act) this.act(act);
    });
    byId("bulk-none").addEventListener("click", () => this.none());
    byId("outcome-close").addEventListener("click", () => show(byId("outcome"), false));
  }

  toggle(hash) {
    if (!hash || !this.shelf.items.has(hash)) return;
    if (!this.picked.delete(hash)) this.picked.add(hash);
    this.#last = hash;
    this.changed();
  }

  /** Choose all from the last one that was chosen up to this one. */
  reach(hash) {
    const places = [this.shelf.order.indexOf(this.#last), this.shelf.order.indexOf(hash)].sort((one, other) => one - other);
    if (places[0] < 0) return this.toggle(hash);
    for (const between of this.shelf.order.slice(places[0], places[1] + 1)) this.picked.add(between);
    this.#last = hash;
    return this.changed();
  }

  all() {
    this.picked = new Set(this.shelf.order);
    this.changed();
  }

  none() {
    this.picked.clear();
    this.changed();
  }

  paint() {
    for (const hash of this.picked) if (!this.shelf.items.has(hash)) this.picked.delete(hash);
    show(byId("bulk"), this.picked.size > 0);
    say(byId("bulk-count"), `${count(this.picked.size)} chosen`);
    for (const button of byId("bulk").querySelectorAll("button")) button.disabled = this.#busy;
    byId("bulk").querySelector('[data-act="up"]').disabled = this.#busy || this.picked.size !== 1;
  }

  /** Do it to the chosen items, or to the one under the focus. */
  async act(act) {
    const hashes = this.picked.size ? [...this.picked] : [this.current()].filter((hash) => this.shelf.items.has(hash));
    if (!hashes.length || this.#busy) return;
    if (act === "up") {
      if (hashes.length === 1 && (await perform("up", this.shelf.items.get(hashes[0])))) this.done();
      return;
    }
    const body = act === "cancel" ? await askCancel(hashes.length) : act === "priority" ? await askPriority(this.shelf.items.get(hashes[0]).Priority) : {};
    if (body) await this.#carryOut(act, hashes, body);
  }

  async #carryOut(act, hashes, body) {
    this.#busy = true;
    this.changed();
    const outcomes = await performMany(act, hashes, body, (number) => say(byId("bulk-doing"), `${count(number)} of ${count(hashes.length)} done`));
    this.#busy = false;
    say(byId("bulk-doing"), "");
    // What was refused stays chosen: it is what one has to look at.
    for (const { hash, ok } of outcomes) if (ok) this.picked.delete(hash);
    this.#tell(act, outcomes);
    this.done();
  }

  #tell(act, outcomes) {
    const bad = outcomes.filter((one) => !one.ok), good = outcomes.length - bad.length;
    const parts = [good ? `${count(good)} ${DONE[act]}` : "", bad.length ? `${count(bad.length)} not` : ""];
    mark(byId("outcome"), "kind", bad.length ? "bad" : "good");
    say(byId("outcome-title"), `${parts.filter(Boolean).join(", ")}.`);
    const lines = [...bad, ...outcomes.filter((one) => one.ok)];
    const shown = lines.slice(0, LINES).map(({ hash, ok, text }) => {
      const line = make("li", {}, make("a", { href: `/items/${encodeURIComponent(hash)}` }, make("code", { textContent: short(hash) })), ` ${text}`);
      mark(line, "ok", String(ok));
      return line;
    });
    if (lines.length > LINES) shown.push(make("li", { textContent: `… and ${count(lines.length - LINES)} more` }));
    byId("outcome-list").replaceChildren(...shown);
    show(byId("outcome"), true);
    byId("outcome-title").focus();
  }
}
