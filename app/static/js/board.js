// The state of the hub as far as this page knows it: read as a whole, kept true by events, read again after each burst of them.

import { beaconName } from "./format.js";

export const FINAL = new Set(["Complete", "Error", "Canceled"]);
const HELD = new Set(["Running", "Stalled"]);
export const BUCKETS = {
  Delayed: "Upcoming", Pending: "Upcoming", RetryScheduled: "Upcoming", Running: "InProgress", Stalled: "Stalled",
  Complete: "Completed", Error: "Errored", Canceled: "Errored",
};
export const NEWEST = 50;
// Items beyond the list of which the status is remembered, so that counts stay right.
const KNOWN = 5_000;
// Where an item that we have not seen before must have come from.
const BEFORE = {
  "queue.ready": "Delayed", "queue.dispatched": "Pending", "queue.requeued": "RetryScheduled", "queue.stalled": "Running", "queue.unstalled": "Stalled",
  "queue.completed": "Running", "queue.failed": "Running", "queue.retry_scheduled": "Running", "queue.lost": "Running",
};
// These move nothing.
const UNMOVED = new Set(["queue.cancel_requested", "queue.reordered"]);

export class Board {
  loaded = false;
  /** Hash of the item whose details are open. */
  open = null;
  buckets = {};
  lanes = new Map();
  beacons = new Map();
  items = new Map();
  /** Hashes of the list, newest first. */
  order = [];
  #known = new Map();

  constructor(bucket) {
    this.bucket = bucket;
  }

  /** Take the state over as the hub gave it. `beacons` is null where that part could not be read. */
  load({ Summary: { ByCapability, ...buckets }, Items }, beacons) {
    this.buckets = buckets;
    // What has been seen busy stays in the table, so that it does not jump while work comes and goes.
    for (const lane of this.lanes.values()) lane.Queued = lane.Running = lane.Stalled = 0;
    for (const lane of ByCapability) this.lanes.set(`${lane.Capability}/${lane.Action}`, { ...lane });
    if (beacons) this.beacons = new Map(beacons.map((beacon) => [beacon.BeaconID, beacon]));
    const before = this.items;
    this.items = new Map(Items.map((item) => [item.WorkItemHash, newer(before.get(item.WorkItemHash), item)]));
    this.order = [...this.items.keys()];
    for (const item of this.items.values()) this.#know(item);
    this.loaded = true;
  }

  /** Forget what was learnt from events: the hub may have become another one. */
  forget() {
    this.#known.clear();
    this.items.clear();
  }

  status(hash) {
    return this.#known.get(hash)?.Status;
  }

  name(beaconId) {
    return beaconName(beaconId, this.beacons);
  }

  /** Apply one event. Returns the hash of the item that it is about, null when it is about something else. */
  apply({ Topic, Payload, EmittedAt }) {
    const hash = Payload.WorkItemHash;
    if (!Topic.startsWith("queue.") || !hash) return null;
    if (Topic === "queue.progress") this.#progress(hash, Payload);
    else if (Topic !== "queue.superseded") this.#move(Topic, hash, Payload, EmittedAt);
    return hash;
  }

  /** Take over what was read of one item. */
  learn(item) {
    const ours = this.items.get(item.WorkItemHash);
    if (ours) this.items.set(item.WorkItemHash, newer(ours, item));
  }

  #progress(hash, told) {
    const item = this.items.get(hash);
    if (item) item.Progress = told;
  }

  #move(topic, hash, told, at) {
    const known = this.#known.get(hash);
    const again = topic === "queue.requeued" && told.Reason === "requeued";
    const before = known?.Status ?? (again ? "Error" : UNMOVED.has(topic) ? told.Status : BEFORE[topic]);
    // A state that only a person leads out of, or the birth of what is known already: told again, or read before it was told.
    if ((FINAL.has(before) && !again) || (topic === "queue.enqueued" && known)) return;
    const item = this.items.get(hash) ?? (topic === "queue.enqueued" ? this.#born(hash, told) : undefined);
    if (item) Object.assign(item, changes(topic, told, at));
    this.#know({ Capability: known?.Capability, Action: known?.Action, ...told });
    if (before === told.Status) return;
    this.#count(BUCKETS[before], -1);
    this.#count(BUCKETS[told.Status], 1);
    const lane = this.#lane(this.#known.get(hash));
    if (lane) {
      tally(lane, before, -1);
      tally(lane, told.Status, 1);
    }
    this.#hold(hash, told);
  }

  #born(hash, told) {
    const item = {
      WorkItemHash: hash, Capability: told.Capability, Action: told.Action, Status: told.Status, EnqueuedAt: told.EnqueuedAt,
      Settings: null, AttemptNumber: 0, MaxAttempts: 1, QueueWaitMs: 0,
    };
    if (this.bucket && this.bucket !== BUCKETS[told.Status]) return item;
    this.items.set(hash, item);
    this.order.unshift(hash);
    for (const gone of this.order.splice(NEWEST)) this.items.delete(gone);
    return item;
  }

  #know({ WorkItemHash, Status, Capability, Action }) {
    this.#known.delete(WorkItemHash);
    this.#known.set(WorkItemHash, { Status, Capability, Action });
    if (this.#known.size > KNOWN) this.#known.delete(this.#known.keys().next().value);
  }

  #count(bucket, step) {
    if (bucket) this.buckets[bucket] = Math.max(0, (this.buckets[bucket] ?? 0) + step);
  }

  #lane({ Capability, Action }) {
    if (!Capability || !Action) return undefined;
    const key = `${Capability}/${Action}`;
    if (!this.lanes.has(key)) this.lanes.set(key, { Capability, Action, Queued: 0, Running: 0, Stalled: 0 });
    return this.lanes.get(key);
  }

  /** Keep the slots of beacons in step with what starts and ends. */
  #hold(hash, { Status, BeaconID }) {
    const beacon = this.beacons.get(BeaconID);
    if (!beacon) return;
    beacon.CurrentWorkItems = beacon.CurrentWorkItems.filter((held) => held !== hash);
    if (HELD.has(Status)) beacon.CurrentWorkItems.push(hash);
    if (beacon.Status !== "Offline") beacon.Status = beacon.CurrentWorkItems.length >= beacon.MaxConcurrent ? "Busy" : "Online";
  }
}

function tally(lane, status, step) {
  const name = { Delayed: "Queued", Pending: "Queued", RetryScheduled: "Queued", Running: "Running", Stalled: "Stalled" }[status];
  if (name) lane[name] = Math.max(0, lane[name] + step);
}

/** What an event says of an item's record. */
export function changes(topic, told, at) {
  const change = { Status: told.Status };
  if (topic === "queue.dispatched") {
    const { BeaconID, DispatchedAt, AttemptNumber, QueueWaitMs } = told;
    return { ...change, AssignedBeaconID: BeaconID, DispatchedAt, AttemptNumber, QueueWaitMs, Progress: null };
  }
  if (told.Status === "Canceled") return { ...change, CanceledAt: at };
  if (told.Status === "Complete") return { ...change, CompletedAt: told.CompletedAt ?? at };
  if (told.Status === "Error") return { ...change, CompletedAt: at, LastError: told.Error };
  if (HELD.has(told.Status)) return change;
  const waits = { ...change, AssignedBeaconID: null };
  return topic === "queue.requeued" && told.Reason === "requeued" ? { ...waits, CompletedAt: null, CanceledAt: null, LastError: "" } : waits;
}

/** An answer may have been on its way while the item ended. */
const newer = (ours, read) => (ours && FINAL.has(ours.Status) && !FINAL.has(read.Status) ? ours : read);
