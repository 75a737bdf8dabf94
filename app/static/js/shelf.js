// The items that are shown: pages by position, one after the other, kept true by events and by reading the first page again.

import { FINAL, changes } from "./board.js";
import { get } from "./http.js";

export const PAGE = 100;
// More lines than this help nobody and make the page slow: from here on a page begins anew.
export const MOST = 2_000;
// Pages that one click looks through for something rare.
const STEPS = 25;

export class Shelf {
  items = new Map();
  /** Hashes in the order of the list. */
  order = [];
  /** Where the next page begins; null at the end. */
  next = null;
  loaded = false;
  /** Items that were looked through without a hit since the last one. */
  looked = 0;
  /** Hashes that would stand at the top, were the list not held still. */
  fresh = [];
  /** Whether the list has been held still while something else was read. */
  stale = false;
  #round = 0;

  constructor(filter, told) {
    this.filter = filter;
    this.told = told;
  }

  /** Something else is looked for: what is shown is not it. */
  clear() {
    this.#round += 1;
    Object.assign(this, { items: new Map(), order: [], next: null, loaded: false, looked: 0, fresh: [] });
  }

  /** Read the first page; `held` keeps the list as it stands and counts what is new. */
  async read(held) {
    const round = this.#round;
    const page = await this.#page(null);
    if (round !== this.#round) return;
    const first = page.Items.map((item) => item.WorkItemHash);
    for (const item of page.Items) this.items.set(item.WorkItemHash, newer(this.items.get(item.WorkItemHash), item));
    this.fresh = first.filter((hash) => !this.order.includes(hash));
    this.stale = this.loaded && held;
    if (!this.stale) this.#merge(first, page);
    const begun = this.loaded;
    this.loaded = true;
    if (!begun && this.order.length < PAGE / 2 && page.LookedThrough) await this.more();
  }

  /** Show what was held back. */
  release(first = this.fresh) {
    const tail = this.order.filter((hash) => !first.includes(hash));
    this.order = [...first, ...tail];
    this.fresh = [];
  }

  /** Read on. */
  async more() {
    const round = this.#round;
    if (this.order.length >= MOST) {
      this.items.clear();
      this.order = [];
    }
    for (let step = 0; step < STEPS && this.next; step++) {
      const page = await this.#page(this.next);
      if (round !== this.#round) return;
      for (const item of page.Items) {
        if (!this.items.has(item.WorkItemHash)) this.order.push(item.WorkItemHash);
        this.items.set(item.WorkItemHash, item);
      }
      this.next = page.Next;
      this.looked = page.LookedThrough ? this.looked + page.LookedThrough : 0;
      this.told();
      if (!page.LookedThrough) return;
    }
  }

  /** Apply one event. Returns whether it may concern what is shown. */
  apply({ Topic, Payload, EmittedAt }) {
    const item = this.items.get(Payload.WorkItemHash);
    if (!item) return Topic !== "queue.progress";
    if (Topic === "queue.progress") item.Progress = Payload;
    else if (Topic === "queue.reordered") item.Priority = Payload.NewPriority;
    else if (Topic !== "queue.superseded") Object.assign(item, changes(Topic, Payload, EmittedAt));
    return Topic !== "queue.progress";
  }

  #merge(first, page) {
    const overlap = first.some((hash) => this.order.includes(hash));
    const keep = page.Next !== null && overlap && this.loaded;
    const known = new Set(first);
    const tail = keep ? this.order.filter((hash) => !known.has(hash) && this.filter.admits(this.items.get(hash).Status)) : [];
    this.order = [...first, ...tail];
    if (!tail.length) this.next = page.Next;
    if (!keep) this.looked = page.LookedThrough ?? 0;
    this.fresh = [];
    const shown = new Set(this.order);
    for (const hash of this.items.keys()) if (!shown.has(hash)) this.items.delete(hash);
  }

  #page(after) {
    return get(`/api/items?${this.filter.query({ limit: PAGE, after: after ?? "" })}`);
  }
}

/** An answer may have been on its way while the item ended. */
const newer = (ours, read) => (ours && FINAL.has(ours.Status) && !FINAL.has(read.Status) && !ours.CancelRequested ? ours : read);
