// The library that comes with the product: what is in it, each with its graph drawn small, ready to be added.

import { attribute, byId, make, say } from "./dom.js";
import { get } from "./http.js";
import { notice } from "./notice.js";
import { several } from "./run-words.js";
import { sketch } from "./sketch.js";

export class Library {
  #entries = null;
  #chosen = null;

  /** `add(document)` stores it. */
  constructor(add) {
    byId("library-close").addEventListener("click", () => byId("library").close());
    byId("library-text").addEventListener("input", () => this.#list());
    byId("library-entries").addEventListener("click", (event) => {
      const name = event.target.closest("button")?.dataset.key;
      if (name) this.#look(name);
    });
    byId("library-add").addEventListener("click", async () => {
      const { document } = this.#chosen;
      byId("library").close();
      await add(document);
    });
  }

  async open() {
    try {
      this.#entries ??= await get("/OperationLibrary");
    } catch (error) {
      notice(error.message, "bad");
      return;
    }
    byId("library").showModal();
    byId("library-text").value = "";
    this.#list();
    await this.#look(this.#entries[0].FileName);
  }

  #list() {
    const wanted = byId("library-text").value.trim().toLowerCase();
    const found = this.#entries.filter((one) => `${one.Name} ${one.Description} ${one.Tags}`.toLowerCase().includes(wanted));
    byId("library-entries").replaceChildren(...found.map((one) => {
      const button = make("button", { type: "button", className: "quiet" }, make("strong", { textContent: one.Name }), make("span", { className: "of", textContent: one.Tags.join(", ") }));
      button.dataset.key = one.FileName;
      if (this.#chosen?.name === one.FileName) attribute(button, "aria-current", "true");
      return make("li", {}, button);
    }));
    if (!found.length) byId("library-entries").append(make("li", { className: "empty", textContent: "Nothing in the library matches." }));
  }

  async #look(name) {
    try {
      const document = await get(`/OperationLibrary/${encodeURIComponent(name)}`);
      this.#chosen = { name, document };
      say(byId("library-name"), document.Name);
      say(byId("library-description"), document.Description);
      say(byId("library-facts"), `${several(document.Graph.Nodes.length, "node")}, ${several(document.Graph.Connections.length, "connection")} · version ${document.Version} · by ${document.Author}`);
      byId("library-preview").replaceChildren(sketch(document.Graph));
      for (const button of byId("library-entries").querySelectorAll("button")) {
        if (button.dataset.key === name) attribute(button, "aria-current", "true");
        else button.removeAttribute("aria-current");
      }
    } catch (error) {
      notice(error.message, "bad");
    }
  }
}
