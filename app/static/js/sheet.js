// The operation that is being drawn: what it is made of now, what it was before each change, and what comes back.

import { freshKey } from "./http.js";
import { carriesValue, portHash, portName, portsOf } from "./ports.js";
import { typeOf } from "./cards.js";

const MOST_STEPS = 200, STEP = 10;
const FIELDS = ["Name", "Description", "Tags", "InitialOperationState", "InitialGlobalState"];

export class Sheet {
  #past = [];
  #future = [];
  #saved = null;
  #now = null;

  /** `changed()` is told after each change. */
  constructor(changed) {
    this.changed = changed;
  }

  /** Begin with an operation as it is stored. */
  open(operation) {
    this.whole = operation;
    this.#now = stateOf(operation);
    this.#saved = this.#now;
    [this.#past, this.#future] = [[], []];
  }

  /** What is there now has been stored, as this. */
  kept(operation, sent) {
    this.whole = operation;
    this.#saved = sent;
  }

  get now() {
    return this.#now;
  }

  get nodes() {
    return this.#now.nodes;
  }

  get connections() {
    return this.#now.connections;
  }

  get dirty() {
    return this.#now !== this.#saved;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  node(hash) {
    return this.nodes.find((node) => node.Hash === hash) ?? null;
  }

  line(hash) {
    return this.connections.find((line) => line.Hash === hash) ?? null;
  }

  undo() {
    this.#turn(this.#past, this.#future);
  }

  redo() {
    this.#turn(this.#future, this.#past);
  }

  #turn(from, to) {
    if (!from.length) return;
    to.push(this.#now);
    this.#now = from.pop();
    this.changed();
  }

  #set(changes) {
    this.#past.push(this.#now);
    if (this.#past.length > MOST_STEPS) this.#past.shift();
    this.#future = [];
    this.#now = { ...this.#now, ...changes };
    this.changed();
  }

  /** Take over another operation's content, as one change. */
  replace(operation) {
    this.#set(stateOf(operation));
  }

  setFields(changes) {
    this.#set({ fields: { ...this.#now.fields, ...changes } });
  }

  setNode(hash, changes) {
    this.#set({ nodes: this.nodes.map((node) => (node.Hash === hash ? { ...node, ...changes } : node)) });
  }

  setLine(hash, changes) {
    this.#set({ connections: this.connections.map((line) => (line.Hash === hash ? { ...line, ...changes } : line)) });
  }

  /** Nodes stand elsewhere now: [{hash, x, y}]. */
  move(places) {
    const at = new Map(places.map((one) => [one.hash, one]));
    this.#set({ nodes: this.nodes.map((node) => (at.has(node.Hash) ? { ...node, X: at.get(node.Hash).x, Y: at.get(node.Hash).y } : node)) });
  }

  nudge(hashes, right, down) {
    const some = new Set(hashes);
    this.move(this.nodes.filter((node) => some.has(node.Hash)).map((node) => ({ hash: node.Hash, x: (Number(node.X) || 0) + right * STEP, y: (Number(node.Y) || 0) + down * STEP })));
  }

  /** A new node; connected to `after` where that has an event that leads nowhere yet. Returns its hash. */
  add(type, { x, y }, after = null, types = new Map()) {
    const hash = this.#fresh(type.Hash), node = { Hash: hash, Type: type.Hash, X: Math.round(x), Y: Math.round(y), Width: 200, Height: 90, Title: type.Name, Ports: [], Data: {} };
    const before = after && this.node(after), leaves = before && this.#free(before, types.get(typeOf(before))), enters = type.EventInputs[0]?.Name;
    const line = leaves && enters ? [connection(before.Hash, leaves, hash, portHash(hash, "in", "event", enters), "event")] : [];
    this.#set({ nodes: [...this.nodes, node], connections: [...this.connections, ...line] });
    return hash;
  }

  /** The port of the first event of a node that leads nowhere. */
  #free(node, type) {
    const taken = new Set(this.connections.filter((line) => line.SourceNodeHash === node.Hash).map((line) => portName(node, line.SourcePortHash)));
    const event = (type?.EventOutputs ?? []).find((one) => !one.IsError && !taken.has(one.Name));
    return event && portHash(node.Hash, "out", "event", event.Name);
  }

  copy(hashes) {
    const names = new Map(), made = [];
    for (const hash of hashes) {
      const node = this.node(hash), fresh = this.#fresh(typeOf(node), [...names.values()]);
      names.set(hash, fresh);
      made.push({ ...node, Hash: fresh, X: (Number(node.X) || 0) + 40, Y: (Number(node.Y) || 0) + 60, Ports: [] });
    }
    const inner = this.connections.filter((line) => names.has(line.SourceNodeHash) && names.has(line.TargetNodeHash)).map((line) => {
      const kind = carriesValue(line) ? "value" : "event", [from, to] = [names.get(line.SourceNodeHash), names.get(line.TargetNodeHash)];
      const [leaves, enters] = [portName(this.node(line.SourceNodeHash), line.SourcePortHash), portName(this.node(line.TargetNodeHash), line.TargetPortHash)];
      return { ...line, ...connection(from, portHash(from, "out", kind, leaves), to, portHash(to, "in", kind, enters), kind, line.Data) };
    });
    this.#set({ nodes: [...this.nodes, ...made], connections: [...this.connections, ...inner] });
    return [...names.values()];
  }

  #fresh(type, others = []) {
    const stem = type.replace(/[^A-Za-z0-9-]+/g, "-"), taken = new Set([...this.nodes.map((node) => node.Hash), ...others]);
    for (let number = 1; ; number++) {
      const hash = number === 1 ? stem : `${stem}-${number}`;
      if (!taken.has(hash)) return hash;
    }
  }

  /** Connect two ports, once. Returns whether that is new. */
  connect({ from, fromPort, to, toPort }, kind) {
    const same = (line) => line.SourceNodeHash === from && line.TargetNodeHash === to && line.SourcePortHash === fromPort && line.TargetPortHash === toPort;
    if (this.connections.some(same)) return false;
    this.#set({ connections: [...this.connections, connection(from, fromPort, to, toPort, kind)] });
    return true;
  }

  /** Nodes with their lines, and lines, are gone. */
  remove(hashes) {
    const gone = new Set(hashes);
    const connections = this.connections.filter((line) => !gone.has(line.Hash) && !gone.has(line.SourceNodeHash) && !gone.has(line.TargetNodeHash));
    this.#set({ nodes: this.nodes.filter((node) => !gone.has(node.Hash)), connections });
  }

  /** The operation as it is sent: each node states its ports, for clients that draw by them. */
  document(types) {
    const { fields, nodes, connections } = this.#now, of = new Map(nodes.map((node) => [node.Hash, []]));
    for (const line of connections) for (const end of new Set([line.SourceNodeHash, line.TargetNodeHash])) of.get(end)?.push(line);
    const stated = nodes.map((node) => ({ ...node, Ports: portsOf(node, types.get(typeOf(node)), of.get(node.Hash), false).map(port) }));
    return { ...this.whole, ...fields, Graph: { ...this.whole.Graph, Nodes: stated, Connections: connections } };
  }
}

const port = ({ id, side, name }) => ({ Hash: id, Direction: side === "in" ? "input" : "output", Side: side === "in" ? "left" : "right", Label: name });

function stateOf(operation) {
  const fields = Object.fromEntries(FIELDS.map((name) => [name, operation[name] ?? (name === "Tags" ? [] : name.startsWith("Initial") ? {} : "")]));
  // Lines are told apart by their hashes; not every client gives them one.
  const seen = new Set();
  const connections = (operation.Graph?.Connections ?? []).map((line) => {
    const hash = line.Hash && !seen.has(line.Hash) ? line.Hash : `c-${freshKey().slice(0, 10)}`;
    seen.add(hash);
    return line.Hash === hash ? line : { ...line, Hash: hash };
  });
  return { fields, nodes: operation.Graph?.Nodes ?? [], connections };
}

const connection = (from, fromPort, to, toPort, kind, data = {}) => ({
  Hash: `c-${freshKey().slice(0, 10)}`, SourceNodeHash: from, SourcePortHash: fromPort, TargetNodeHash: to, TargetPortHash: toPort, ConnectionType: kind === "value" ? "State" : "Event", Data: data,
});
