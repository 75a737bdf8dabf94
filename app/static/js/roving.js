// Of the rows of a list one is reached by Tab (a roving tabindex); keys go from one to the next.

import { attribute, part } from "./dom.js";

export class Roving {
  #list;
  #rows;

  /** `rows` gives what is listed, by key and in its order; each row has a link that is called name. */
  constructor(list, rows) {
    this.#list = list;
    this.#rows = rows;
    this.current = null;
    list.addEventListener("focusin", (event) => {
      this.current = event.target.closest("tr")?.dataset.key ?? this.current;
    });
  }

  /** Let Tab reach this row where it is the current one, or the first while the current one is not there. */
  fill(row, key) {
    const rows = this.#rows(), here = rows.has(this.current) ? this.current : rows.keys().next().value;
    attribute(part(row, "name"), "tabindex", key === here ? "0" : "-1");
  }

  /** What keys do: for `shortcuts`. */
  get keys() {
    const next = () => this.#step(1), previous = () => this.#step(-1);
    return { j: next, ArrowDown: next, k: previous, ArrowUp: previous };
  }

  #step(step) {
    const keys = [...this.#rows().keys()], place = keys.indexOf(this.current);
    if (keys.length) this.go(keys[place < 0 ? 0 : Math.min(keys.length - 1, Math.max(0, place + step))]);
  }

  /** Have the focus on a row. */
  go(key) {
    this.current = key;
    for (const row of this.#list.children) this.fill(row, row.dataset.key);
    this.#list.querySelector(`[data-key="${CSS.escape(key)}"] [data-f=name]`).focus();
  }
}
