// The ports of a node: where events and values enter and leave it. Their names lie in their hashes, as the engine reads them.

const MARK = /^.*-(ei|eo|si|so)-([^]+)$/;
const KINDS = { ei: ["in", "event"], eo: ["out", "event"], si: ["in", "value"], so: ["out", "value"] };
const MARKS = { "in event": "ei", "out event": "eo", "in value": "si", "out value": "so" };

/** Side, kind and name of a port by its hash; the last two as its label and the connections say where the hash is no help. */
function read(hash, port, said) {
  const marked = MARK.exec(hash);
  if (marked) {
    const [side, kind] = KINDS[marked[1]];
    return { id: hash, side, kind, name: marked[2] };
  }
  const side = port?.Direction === "input" ? "in" : port?.Direction === "output" ? "out" : said.side;
  return { id: hash, side, kind: said.kind ?? "event", name: port?.Label || hash };
}

export const portHash = (node, side, kind, name) => `${node}-${MARKS[`${side} ${kind}`]}-${name}`;

/** Whether a connection carries a value, not an event: as it says, else as its ports' marks say. */
export function carriesValue({ ConnectionType, SourcePortHash, TargetPortHash }) {
  if (ConnectionType) return ConnectionType.toLowerCase() === "state";
  const [from, to] = [SourcePortHash, TargetPortHash].map((hash) => MARK.exec(hash ?? "")?.[1]);
  return from === "si" || to === "si" || ((from === "so" || to === "so") && from !== "ei" && to !== "ei");
}

/** The name of a port of a node. */
export const portName = (node, hash) => MARK.exec(hash ?? "")?.[2] ?? (node?.Ports ?? []).find((port) => port.Hash === hash)?.Label ?? hash;

/**
 * All ports of a node: those of its type, those that it states, and those where a connection ends. `values` also shows where values could
 * enter and leave; without it only where they do.
 */
export function portsOf(node, type, connections, values) {
  const stated = new Map((node.Ports ?? []).map((port) => [port.Hash, port])), found = new Map();
  const take = (port) => {
    const key = `${port.side} ${port.kind} ${port.name}`;
    if (!found.has(key)) found.set(key, port);
  };
  for (const connection of connections) {
    const kind = carriesValue(connection) ? "value" : "event";
    if (connection.SourceNodeHash === node.Hash) take({ ...read(connection.SourcePortHash, stated.get(connection.SourcePortHash), { side: "out", kind }), used: true });
    if (connection.TargetNodeHash === node.Hash) take({ ...read(connection.TargetPortHash, stated.get(connection.TargetPortHash), { side: "in", kind }), used: true });
  }
  for (const [hash, port] of stated) {
    const read_ = read(hash, port, {});
    if (read_.side && (read_.kind === "event" || values)) take(read_);
  }
  const made = (side, kind, names) => names.forEach((name) => take({ id: portHash(node.Hash, side, kind, name), side, kind, name }));
  made("in", "event", (type?.EventInputs ?? []).map((one) => one.Name));
  made("out", "event", (type?.EventOutputs ?? []).map((one) => one.Name));
  if (values) {
    made("in", "value", (type?.SettingsInputs ?? []).map((one) => one.Name));
    made("out", "value", (type?.StateOutputs ?? []).map((one) => one.Name));
  }
  const errors = new Set((type?.EventOutputs ?? []).filter((one) => one.IsError).map((one) => one.Name));
  const place = (port) => (port.kind === "event" ? 0 : 1);
  return [...found.values()].map((port) => ({ ...port, error: port.side === "out" && port.kind === "event" && errors.has(port.name) })).sort((one, other) => place(one) - place(other));
}
