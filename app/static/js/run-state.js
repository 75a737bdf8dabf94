// What is known of a run: its manifest as it was read, and what has happened since, until it is read again.

import { between, now } from "./format.js";
import { BUSY, tone } from "./run-words.js";

const STARTS = { TaskStart: "Working", TaskWaiting: "Waiting", TaskRetry: "Paused", TaskAnswered: "Executing", TaskComplete: "Complete", TaskError: "Error" };

export class RunState {
  manifest = null;
  /** Node -> its state, as the graph shows it. */
  states = new Map();
  /** Node -> when its items were at a beacon. */
  #items = new Map();

  take(manifest) {
    this.manifest = manifest;
    this.states = new Map(Object.values(manifest.TaskManifests).map((task) => [task.NodeHash, task.Status]));
  }

  takeItems(items) {
    this.#items = new Map();
    for (const item of items) this.#items.set(item.NodeHash, [...(this.#items.get(item.NodeHash) ?? []), item]);
  }

  /** Something has happened: what it says of a node's state is shown before the run is read again. */
  heard({ EventType, Data }) {
    const state = STARTS[EventType];
    if (!state || !Data.NodeHash) return null;
    this.states.set(Data.NodeHash, state);
    return Data.NodeHash;
  }

  get live() {
    return this.manifest?.Live ?? true;
  }

  node(hash) {
    return this.manifest?.TaskManifests[hash] ?? null;
  }

  /** The nodes that have begun, in the order in which they did; each with the stretches of its bar. */
  rows(titles) {
    const tasks = Object.values(this.manifest?.TaskManifests ?? {}).filter((task) => task.Executions.length);
    const pauses = this.#pauses(), seen = new Map();
    // What began within one millisecond, began in the order of the history.
    for (const { NodeHash, Seq } of this.manifest.EventLog) if (!seen.has(NodeHash)) seen.set(NodeHash, Seq);
    const rows = tasks.map((task) => ({ hash: task.NodeHash, name: titles.get(task.NodeHash) ?? task.NodeHash, from: task.Executions[0].StartTimeMs, bars: task.Executions.flatMap((one) => this.#bars(task, one, pauses.get(task.NodeHash) ?? [])) }));
    return rows.sort((one, other) => one.from - other.from || (seen.get(one.hash) ?? 0) - (seen.get(other.hash) ?? 0));
  }

  /** An execution as bars: what it waited for a beacon, for a person, or for its next try, and what it ran. */
  #bars(task, execution, pauses) {
    const from = execution.StartTimeMs, to = execution.StopTimeMs ?? (BUSY.has(this.states.get(task.NodeHash)) ? now() : from);
    const open = execution.StopTimeMs === null, kind = open ? "now" : tone(execution.Status) === "Complete" ? "good" : "bad";
    const queued = this.#queued(task.NodeHash).filter((one) => one.from >= from && one.from <= to).map((one, place) => (place ? one : { ...one, from }));
    const waits = [...pauses, ...queued].filter((one) => one.from < to && (one.to ?? to) > from).map((one) => ({ kind: one.kind, from: Math.max(from, one.from), to: Math.min(to, one.to ?? to) }));
    const bars = [];
    let at = from;
    for (const wait of waits.sort((one, other) => one.from - other.from)) {
      if (wait.from > at) bars.push({ kind, from: at, to: wait.from });
      if (wait.to > at) bars.push({ ...wait, from: Math.max(at, wait.from) });
      at = Math.max(at, wait.to);
    }
    if (at < to || !bars.length) bars.push({ kind, from: at, to });
    return bars.map((bar) => ({ ...bar, execution }));
  }

  /** When its items waited for their beacons, in order. */
  #queued(hash) {
    const ended = (item) => item.DispatchedAt ?? item.CanceledAt;
    return (this.#items.get(hash) ?? []).map((item) => ({ kind: "wait", from: Date.parse(item.EnqueuedAt), to: ended(item) ? Date.parse(ended(item)) : null })).sort((one, other) => one.from - other.from);
  }

  /** What a node was asked, until it was answered; what it paused, until it was tried again. */
  #pauses() {
    const found = new Map(), open = new Map();
    for (const { EventName, NodeHash, TimestampMs } of this.manifest.EventLog) {
      if (!NodeHash) continue;
      const last = open.get(NodeHash);
      if (last) {
        last.to = TimestampMs;
        open.delete(NodeHash);
      }
      const kind = { TaskWaiting: "wait", TaskRetry: "warn" }[EventName];
      if (!kind) continue;
      const begun = { kind, from: TimestampMs, to: null };
      open.set(NodeHash, begun);
      found.set(NodeHash, [...(found.get(NodeHash) ?? []), begun]);
    }
    return found;
  }

  /** From the beginning of the run to its end, or to now. */
  get ends() {
    const from = Date.parse(this.manifest.StartTime), to = this.manifest.StopTime ? Date.parse(this.manifest.StopTime) : now();
    return [from, Math.max(to, from + 1)];
  }

  tookMs() {
    return this.manifest.StopTime ? this.manifest.ElapsedMs : between(this.manifest.StartTime, now());
  }
}
