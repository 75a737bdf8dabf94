// The details of one item beside the list. The address keeps the item, so that it can be shared and the back button closes it.

import { byId } from "./dom.js";
import { Details } from "./details.js";

export class Drawer {
  #from = null;

  /** `nameOf(id)` is a beacon's name; `changed(hash)` hears which item is open, null when none is; `home` gets the focus of a lost row. */
  constructor(nameOf, changed, home = "items-title") {
    this.details = new Details(nameOf);
    this.changed = changed;
    this.home = home;
    this.dialog = byId("drawer");
    byId("drawer-close").addEventListener("click", () => this.close());
    // The browser closes a modal dialog by itself on Esc.
    this.dialog.addEventListener("close", () => this.close());
    window.addEventListener("popstate", () => this.follow());
  }

  get hash() {
    return this.details.hash;
  }

  /** Show what the address names. */
  follow() {
    const hash = decodeURIComponent(location.hash.slice(1));
    if (hash.startsWith("wi-")) this.#open(hash);
    else this.#shut();
  }

  open(hash, from) {
    this.#from = from ?? null;
    const address = `#${encodeURIComponent(hash)}`;
    // One step back leaves the drawer, however many items were looked at in it.
    if (this.hash === null) history.pushState({ drawer: true }, "", address);
    else history.replaceState(history.state, "", address);
    this.#open(hash);
  }

  close() {
    if (this.hash === null) return;
    // What was opened here is left by going back; who came by a link has nothing to go back to.
    if (history.state?.drawer) history.back();
    else history.replaceState(null, "", location.pathname + location.search);
    this.#shut();
  }

  heard(hash) {
    this.details.heard(hash);
  }

  tick() {
    this.details.tick();
  }

  #open(hash) {
    const fresh = hash !== this.hash;
    const looked = this.details.open(hash);
    byId("detail-page").href = `/items/${encodeURIComponent(hash)}`;
    if (fresh) this.changed(hash);
    if (!this.dialog.open) {
      if (matchMedia("(max-width: 60rem)").matches) this.dialog.showModal();
      else this.dialog.show();
    }
    byId("detail-title").focus({ preventScroll: true });
    return looked;
  }

  #shut() {
    this.details.shut();
    this.changed(null);
    if (this.dialog.open) this.dialog.close();
    if (this.#from?.isConnected) this.#from.focus();
    else if (this.#from) byId(this.home).focus();
    this.#from = null;
  }
}
