// The editor: an operation is drawn, its nodes are told what to do, and it is saved as the next revision, by nobody over somebody else.

import { askedYes } from "./asking.js";
import { drawingOf } from "./cards.js";
import { byId, make, mark, say, show } from "./dom.js";
import { Frame, typing } from "./frame.js";
import { GraphView, loaded, steer } from "./graph.js";
import { Refused, get, order, post, freshKey } from "./http.js";
import { nodeForm } from "./node-form.js";
import { done, notice } from "./notice.js";
import { operationForm, revisionList } from "./operation-form.js";
import { Palette } from "./palette.js";
import { carriesValue, portName } from "./ports.js";
import { operationAddress, runAddress, several } from "./run-words.js";
import { Sheet } from "./sheet.js";

const AUDIT_MS = 500;
const START = { Hash: "", Name: "", Graph: { Nodes: [{ Hash: "start", Type: "start", X: 80, Y: 120, Width: 200, Height: 90, Title: "Start", Ports: [], Data: {} }], Connections: [] } };

let hash = document.body.dataset.hash, types = new Map(), view = null, picked = [], kind = "nothing", findings = [], heard = 0, auditing = 0, opened = false, saving = false, fromForm = false;

const sheet = new Sheet(() => {
  paint();
  clearTimeout(auditing);
  auditing = setTimeout(audit, AUDIT_MS);
});
const palette = new Palette((type, point) => add(type, point));
const at = (one) => `/Operation/${encodeURIComponent(one)}`;

async function read() {
  if (!opened) await open();
  else types = await readTypes();
}

const readTypes = async () => new Map((await get("/TaskType")).map((type) => [type.Hash, type]));

async function open() {
  const [all, operation, library] = await Promise.all([readTypes(), hash ? get(at(hash)).catch(unknown) : START, loaded()]);
  if (!operation) return;
  types = all;
  palette.offer([...types.values()]);
  sheet.open(operation);
  opened = true;
  tell(0);
  if (library) {
    view = new GraphView(library, byId("graph"), { picked: pickedBy, moved: (places) => sheet.move(places), connected: connect }, true);
    steer(() => view, { nearer: "graph-nearer", farther: "graph-farther", whole: "graph-whole" });
  } else byId("graph").append(make("p", { className: "graph-none", textContent: "The library that draws graphs is not installed on the hub: run script/setup. All can be said in the forms beside." }));
  paint();
  view?.open();
  await audit();
}

function unknown(error) {
  if (!(error instanceof Refused) || error.status !== 404) throw error;
  say(byId("standing"), error.message);
  return null;
}

function paint() {
  const { fields } = sheet.now;
  picked = picked.filter((one) => sheet.node(one) || sheet.line(one));
  if (!picked.length) kind = "nothing";
  if (byId("name") !== document.activeElement) byId("name").value = fields.Name ?? "";
  say(byId("standing"), `${hash ? `${hash} · revision ${sheet.whole.Revision}` : "new"}${sheet.dirty ? " · not saved" : hash ? " · saved" : ""}`);
  mark(byId("standing"), "dirty", String(sheet.dirty));
  byId("save").disabled = saving;
  byId("undo").disabled = !sheet.canUndo;
  byId("redo").disabled = !sheet.canRedo;
  show(byId("runs"), Boolean(hash));
  byId("runs").href = `/runs?operation=${encodeURIComponent(hash)}`;
  say(byId("graph-of"), `${several(sheet.nodes.length, "node")}, ${several(sheet.connections.length, "connection")}`);
  view?.draw(drawingOf({ Nodes: sheet.nodes, Connections: sheet.connections }, types, byId("values").checked));
  view?.pick(picked);
  paintPanel();
}

function paintPanel() {
  const one = picked.length === 1 ? picked[0] : null, node = one && sheet.node(one), line = one && sheet.line(one);
  say(byId("panel-title"), node ? node.Title || node.Hash : line ? "Connection" : picked.length ? several(picked.length, "node") : "Operation");
  for (const id of ["panel-whole", "panel-remove"]) show(byId(id), picked.length > 0);
  show(byId("panel-copy"), kind === "node");
  show(byId("revisions"), Boolean(hash) && !picked.length);
  paintFindings(one);
  // A form that has said something shows it already: made anew, it would lose what is being typed into its next field.
  if (fromForm) return;
  const parts = node ? nodeForm(node, sheet, types, formActs(one)) : line ? lineForm(line) : picked.length ? [] : operationForm(sheet.now, types, findings, { fields: (changes) => said(() => sheet.setFields(changes)), choose });
  byId("panel").replaceChildren(...parts);
}

function paintFindings(one) {
  byId("panel-found").replaceChildren(...findings.filter((found) => one && found.NodeHash === one).map((found) => make("p", { className: `finding is-${found.Severity}`, textContent: found.Message })));
}

function said(act) {
  fromForm = true;
  act();
  fromForm = false;
}

function formActs(one) {
  const setting = (name, value) => {
    // Settings lie in Data, or in Settings, which win: what is said here is said in both places' stead.
    const node = sheet.node(one), { [name]: _, ...data } = node.Data ?? {}, { [name]: __, ...own } = node.Settings ?? {};
    said(() => sheet.setNode(one, { Data: value === undefined ? data : { ...data, [name]: value }, ...(node.Settings ? { Settings: own } : {}) }));
  };
  return { node: (changes) => said(() => sheet.setNode(one, changes)), setting, connect: (ends, of) => sheet.connect(ends, of), remove: (other) => sheet.remove([other]), choose };
}

function lineForm(line) {
  const [from, to] = [sheet.node(line.SourceNodeHash), sheet.node(line.TargetNodeHash)];
  const parts = [make("p", { textContent: `${from.Title || from.Hash}, ${portName(from, line.SourcePortHash)} → ${to.Title || to.Hash}, ${portName(to, line.TargetPortHash)}` })];
  if (!carriesValue(line)) return parts;
  const field = make("input", { id: "line-template", name: "line-template", value: line.Data?.Template ?? "", autocomplete: "off", spellcheck: false });
  field.addEventListener("change", () => sheet.setLine(line.Hash, { Data: { ...sheet.line(line.Hash).Data, Template: field.value } }));
  return [...parts, make("div", { className: "editor-field" }, make("label", { htmlFor: "line-template", textContent: "Template for the value; empty: as it is" }), field)];
}

function pickedBy(of, one, event) {
  const more = event?.shiftKey && of === "node" && kind === "node";
  if (of === "nothing") picked = [];
  else if (more) picked = picked.includes(one) ? picked.filter((other) => other !== one) : [...picked, one];
  else if (!(of === "node" && picked.includes(one) && picked.length > 1)) picked = [one];
  kind = of;
  view?.pick(picked);
  paintPanel();
}

function choose(one, focus = true) {
  picked = one ? [one] : [];
  kind = one ? "node" : "nothing";
  view?.pick(picked);
  if (one) view?.reveal(one);
  paintPanel();
  if (focus) byId("panel-title").focus();
}

function connect({ from, fromPort, to, toPort }) {
  const line = { SourcePortHash: fromPort, TargetPortHash: toPort }, drawn = drawingOf({ Nodes: sheet.nodes, Connections: sheet.connections }, types, true);
  const port = drawn.cards.find((card) => card.hash === from)?.ports.find((one) => one.id === fromPort);
  sheet.connect({ from, fromPort, to, toPort }, port?.kind ?? (carriesValue(line) ? "value" : "event"));
}

function add(type, point) {
  const last = picked.length === 1 && kind === "node" ? sheet.node(picked[0]) : null;
  const place = point && view ? view.place(point) : last ? { x: (Number(last.X) || 0) + 260, y: Number(last.Y) || 0 } : free();
  const one = sheet.add(type, place, point ? null : last?.Hash, types);
  choose(one, false);
}

/** A place to the right of all that is there. */
const free = () => ({ x: Math.max(-180, ...sheet.nodes.map((node) => Number(node.X) || 0)) + 260, y: Number(sheet.nodes.at(-1)?.Y) || 120 });

async function audit() {
  const before = sheet.now;
  try {
    const told = await post("/OperationAudit", { Graph: sheet.document(types).Graph }, freshKey());
    if (before !== sheet.now) return;
    findings = told.Findings;
  } catch (error) {
    findings = [{ Severity: "error", NodeHash: "", Code: "", Message: error.message }];
  }
  const worst = new Map();
  for (const one of findings) if (one.NodeHash && worst.get(one.NodeHash)?.kind !== "error") worst.set(one.NodeHash, { kind: one.Severity, text: one.Severity === "error" ? "✕" : "▲" });
  view?.badges(worst);
  const errors = findings.filter((one) => one.Severity === "error").length;
  say(byId("found-of"), findings.length ? [errors ? several(errors, "error") : "", findings.length - errors ? several(findings.length - errors, "warning") : ""].filter(Boolean).join(", ") : "sound");
  byId("found").replaceChildren(...findings.map((one) => {
    const name = one.NodeHash ? `${sheet.node(one.NodeHash)?.Title || one.NodeHash}: ` : "";
    const button = make("button", { type: "button", className: `quiet finding is-${one.Severity}`, textContent: name + one.Message });
    button.addEventListener("click", () => one.NodeHash && choose(one.NodeHash));
    return make("li", {}, button);
  }));
  const one = picked.length === 1 ? picked[0] : null;
  if (picked.length || byId("panel").contains(document.activeElement)) paintFindings(one);
  else paintPanel();
}

/** Save it as the revision after the one that was seen. Returns whether that came about. */
async function save(expected = sheet.whole.Revision) {
  if (saving) return false;
  // What is being typed counts.
  document.activeElement?.blur?.();
  if (hash && !sheet.dirty) {
    notice("It is saved already.");
    return true;
  }
  const sent = sheet.now, body = sheet.document(types);
  saving = true;
  paint();
  try {
    const stored = hash ? await order(at(hash), body, "PUT", { "If-Match": `"${expected}"` }) : await order("/Operation", body);
    stand(stored, sent);
    notice(`Saved as revision ${stored.Revision}.`);
    return true;
  } catch (error) {
    if (error instanceof Refused && error.status === 412) return await stale();
    notice(error.message, "bad");
    return false;
  } finally {
    saving = false;
    paint();
  }
}

function stand(stored, sent) {
  if (!hash) history.replaceState(null, "", operationAddress(stored.Hash));
  hash = stored.Hash;
  heard = 0;
  show(byId("news"), false);
  sheet.kept(stored, sent);
  readRevisions();
}

/** Somebody else has saved it meanwhile. */
async function stale() {
  saving = false;
  const theirs = await get(at(hash));
  say(byId("ask-stale-text"), `You began with revision ${sheet.whole.Revision}; meanwhile revision ${theirs.Revision} was saved.`);
  await askedYes("ask-stale");
  const chosen = byId("ask-stale").returnValue;
  if (chosen === "mine") return save(theirs.Revision);
  if (chosen === "theirs") take(theirs);
  if (chosen !== "copy") return false;
  const { Hash: _, ...rest } = sheet.document(types), sent = sheet.now;
  const stored = await done(order("/Operation", { ...rest, Name: `${rest.Name || hash} (copy)` }), "Saved as a copy; this is the copy now.");
  if (!stored) return false;
  hash = "";
  stand(stored, sent);
  sheet.setFields({ Name: stored.Name });
  sheet.kept(stored, sheet.now);
  return true;
}

function take(theirs) {
  sheet.open(theirs);
  [heard, picked] = [0, []];
  show(byId("news"), false);
  paint();
  audit();
}

async function readRevisions() {
  if (!hash || !byId("revisions").open) return;
  const { Revisions } = await get(`${at(hash)}/Revisions`);
  byId("revisions-list").replaceChildren(revisionList(Revisions, sheet.whole.Revision, async (number) => {
    const old = await done(get(`${at(hash)}/Revisions/${number}`), `Revision ${number} is on the sheet; save it to have it back.`);
    if (old) sheet.replace(old);
  }));
}

async function run() {
  if ((sheet.dirty || !hash) && !(await save())) return;
  const begun = await done(order(`${at(hash)}/Execute/Async`, {}), "It runs.");
  if (begun) location.assign(runAddress(begun.RunHash));
}

/** Say that somebody else has saved it; what is heard before the sheet is there is said when it is. */
function tell(revision) {
  heard = Math.max(heard, revision);
  if (!opened || saving || heard <= sheet.whole.Revision) return;
  say(byId("news-text"), `Somebody has saved revision ${heard} of this operation.`);
  show(byId("news"), true);
}

const frame = new Frame({
  topics: ["run", "beacon"],
  read,
  happened: ({ Topic, Payload }) => {
    if (Topic === "operation.saved" && Payload.OperationHash === hash) tell(Payload.Revision);
    return Topic === "beacon.registered";
  },
});

function remove() {
  if (picked.length) sheet.remove(picked);
}

function copy() {
  if (kind !== "node") return;
  picked = sheet.copy(picked);
  paint();
}

async function tidy() {
  const { arranged } = await import("./layout.js").catch(() => ({}));
  if (!arranged) return notice("The library that arranges graphs is not installed on the hub: run script/setup.", "bad");
  sheet.move(arranged(drawingOf({ Nodes: sheet.nodes, Connections: sheet.connections }, types, byId("values").checked)));
  return view?.fit();
}

const CLICKS = { save: () => save(), run, undo: () => sheet.undo(), redo: () => sheet.redo(), tidy, "panel-whole": () => choose(null), "panel-remove": remove, "panel-copy": copy, "help-open": () => byId("help").showModal() };
for (const [id, act] of Object.entries(CLICKS)) byId(id).addEventListener("click", act);
byId("news-theirs").addEventListener("click", async () => take(await get(at(hash))));
byId("name").addEventListener("change", () => sheet.setFields({ Name: byId("name").value }));
byId("values").addEventListener("change", paint);
byId("revisions").addEventListener("toggle", readRevisions);
byId("graph").addEventListener("dragover", (event) => palette.dragged && event.preventDefault());
byId("graph").addEventListener("drop", (event) => {
  if (!palette.dragged) return;
  event.preventDefault();
  add(palette.dragged, { x: event.clientX, y: event.clientY });
});
window.addEventListener("beforeunload", (event) => {
  if (opened && sheet.dirty) event.preventDefault();
});

function walk(step) {
  const all = sheet.nodes.map((node) => node.Hash);
  if (all.length) choose(all[(all.indexOf(picked[0]) + step + all.length) % all.length], false);
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = {
  j: () => walk(1), k: () => walk(-1), Delete: remove, Backspace: remove, d: copy, l: tidy, a: () => byId("palette-text").focus(), "+": () => view?.zoom(true), "=": () => view?.zoom(true), "-": () => view?.zoom(false), 0: () => view?.fit(),
  v: () => byId("values").click(), Escape: () => choose(null, false), Enter: () => byId("panel").querySelector("input, textarea, select")?.focus(), "?": () => byId("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]") || event.altKey || !opened) return;
  const command = event.ctrlKey || event.metaKey, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (command && key === "s") act(event, save);
  else if (typing(event) && event.target.type !== "checkbox") return;
  else if (command && (key === "y" || (key === "z" && event.shiftKey))) act(event, () => sheet.redo());
  else if (command && key === "z") act(event, () => sheet.undo());
  else if (command || event.target.closest?.("button, a, summary")) return;
  else if (event.key in MOVES && kind === "node") act(event, () => sheet.nudge(picked, ...MOVES[event.key]));
  else if (event.key in KEYS) act(event, KEYS[event.key]);
});

function act(event, doing) {
  event.preventDefault();
  doing();
}

frame.start();
if (matchMedia("(max-width: 72rem)").matches) byId("palette").open = false;
