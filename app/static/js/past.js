// What the timeline has been told: records and counts of the stretch that is looked at. While it follows the present, only what is new
// is read.

import { get } from "./http.js";

// Pages of one reading; a page has 2 000 records, or 5 000 that are only counted.
const PAGES = 8;

export class Past {
  records = [];
  buckets = new Map();
  present = [];
  future = [];
  /** Whether there is more than was read. */
  cut = false;
  #cursor = null;
  #key = "";

  /** Read the stretch. `key` names what it is a part of: another one begins anew. */
  async read(from, to, capability, key) {
    if (key !== this.#key) Object.assign(this, { records: [], buckets: new Map(), cut: false });
    if (key !== this.#key) this.#cursor = null;
    this.#key = key;
    let more = true;
    for (let page = 0; more && page < PAGES; page++) {
      const asked = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), capability, ...(this.#cursor ? { since: this.#cursor } : {}) };
      const told = await get(`/Timeline?${new URLSearchParams(asked)}`);
      if (key !== this.#key) return;
      this.#take(told);
      more = told.More;
    }
    this.cut = more;
    this.records = this.records.filter((record) => record.to >= from);
    for (const at of this.buckets.keys()) if (at < from - 600_000) this.buckets.delete(at);
  }

  #take({ Past: past, Buckets, Present, Future, Cursor }) {
    this.#cursor = Cursor ?? this.#cursor;
    const known = new Set(this.records.map((record) => record.id));
    for (const one of past) {
      if (one.EventGUID && known.has(one.EventGUID)) continue;
      const to = Date.parse(one.At);
      this.records.push({ id: one.EventGUID, to, from: to - (one.DurationMs ?? 0), type: one.EventType, beacon: one.BeaconID, hash: one.WorkItemHash, work: `${one.Capability} · ${one.Action}` });
    }
    // Where records came along they tell more than counts of them.
    if (!past.length) for (const bucket of Buckets) this.#count(bucket);
    this.present = Present.map((one) => ({ from: Date.parse(one.At), beacon: one.BeaconID, hash: one.WorkItemHash, status: one.Status, work: `${one.Capability} · ${one.Action}` }));
    this.future = Future.filter((one) => one.At).map((one) => ({ from: Date.parse(one.At), hash: one.WorkItemHash, sure: one.PredictionConfidence, work: `${one.Capability} · ${one.Action}` }));
  }

  /** A page may end in the middle of a bucket. */
  #count({ At, DurationMs, ByEventType }) {
    const at = Date.parse(At), counts = this.buckets.get(at)?.counts ?? {};
    for (const [type, number] of Object.entries(ByEventType)) counts[type] = (counts[type] ?? 0) + number;
    this.buckets.set(at, { at, length: DurationMs, counts });
  }
}
