// The task types that a node can be of, by category; chosen by a click, dragged onto the sheet, or looked for and taken by Enter.

import { byId, make } from "./dom.js";

export class Palette {
  #types = [];
  #found = [];
  /** What is being dragged. */
  dragged = null;

  /** `add(type)` puts one onto the sheet. */
  constructor(add) {
    this.add = add;
    byId("palette-text").addEventListener("input", () => this.#list());
    byId("palette-text").addEventListener("keydown", (event) => {
      if (event.key === "Escape") byId("graph").focus();
      if (event.key !== "Enter" || !this.#found.length) return;
      event.preventDefault();
      this.add(this.#found[0]);
      event.target.value = "";
      this.#list();
      byId("graph").focus();
    });
  }

  offer(types) {
    this.#types = types;
    this.#list();
  }

  #list() {
    const wanted = byId("palette-text").value.trim().toLowerCase(), rank = (type) => (type.Name.toLowerCase().startsWith(wanted) || type.Hash.startsWith(wanted) ? 0 : 1);
    const all = this.#types.filter((type) => `${type.Name} ${type.Hash} ${type.Category} ${type.Description}`.toLowerCase().includes(wanted));
    this.#found = wanted ? [...all].sort((one, other) => rank(one) - rank(other)) : all;
    const groups = new Map();
    for (const type of this.#found) groups.set(type.Category || "Other", [...(groups.get(type.Category || "Other") ?? []), type]);
    const names = wanted ? [...groups.keys()] : [...groups.keys()].sort();
    byId("kinds").replaceChildren(...names.map((name) => make("section", {}, make("h3", { textContent: name }), ...groups.get(name).map((type) => this.#button(type)))));
    if (!this.#found.length) byId("kinds").append(make("p", { className: "of", textContent: "No task type matches." }));
  }

  #button(type) {
    const button = make("button", { type: "button", className: "quiet", textContent: type.Name, title: `${type.Description} (${type.Hash})`, draggable: true });
    button.dataset.type = type.Hash;
    button.addEventListener("click", () => this.add(type));
    button.addEventListener("dragstart", (event) => {
      this.dragged = type;
      event.dataTransfer.setData("text/plain", type.Hash);
      event.dataTransfer.effectAllowed = "copy";
    });
    button.addEventListener("dragend", () => (this.dragged = null));
    return button;
  }
}
