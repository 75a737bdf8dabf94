// Beside the graph: the nodes of the run as a list, or all of the one that is chosen.

import { make, mark } from "./dom.js";
import { clock, count, span } from "./format.js";
import { BUSY, freshPill, runAddress, several } from "./run-words.js";

const LETTERS = 20_000;

const moment = (iso) => (iso ? make("time", { dateTime: iso, title: iso, textContent: clock(Date.parse(iso)) }) : "–");
const section = (title, ...children) => {
  const made = make("section", {}, make("h3", { textContent: title }), ...children);
  mark(made, "part", title);
  return made;
};
export const box = (text, kind = "") => {
  const made = make("pre", { className: "box", tabIndex: 0, textContent: text.length > LETTERS ? `${text.slice(0, LETTERS)}\n… ${count(text.length - LETTERS)} characters more` : text });
  mark(made, "kind", kind);
  return made;
};

/** Where an output is saved from. */
const outputAddress = (run, node, name) => `/Manifest/${encodeURIComponent(run)}/Output?${new URLSearchParams({ node, name })}`;

/** What a node brought: each value in short, and the way to have it whole. */
export function outputs(run, node, values) {
  const all = Object.entries(values ?? {}).map(([name, value]) => {
    const large = value && typeof value === "object" && "$$ref" in value;
    const save = make("a", { href: outputAddress(run, node, name), download: "", textContent: "Save", ariaLabel: `Save ${name}` });
    const child = name === "RunHash" && typeof value === "string";
    const shown = large ? make("p", { className: "of", textContent: `${count(value.Bytes)} bytes, too large to show: save it.` }) : child ? make("p", {}, make("a", { href: runAddress(value), textContent: value })) : box(said(value));
    const one = make("div", { className: "run-output" }, make("p", {}, make("strong", { textContent: name }), save), shown);
    mark(one, "output", name);
    return one;
  });
  return make("div", {}, ...(all.length ? all : [make("p", { className: "of", textContent: "Nothing yet." })]));
}

/** A text as it is, all else as JSON. */
const said = (value) => (typeof value === "string" ? value || "(empty)" : JSON.stringify(value, null, 2) ?? "");

/** Values that a run has come to, each under its name. */
export const valuesOf = (values) => Object.entries(values).map(([name, value]) => section(name, box(said(value))));

/** The nodes of the run, as a list to choose from. */
export function nodeList(nodes, state, choose) {
  const items = nodes.map((node) => {
    const task = state.node(node.Hash), took = task?.Executions.reduce((sum, one) => sum + (one.ElapsedMs ?? 0), 0);
    const button = make("button", { type: "button", className: "quiet" }, make("span", { textContent: node.Title || node.Hash }), freshPill(state.states.get(node.Hash) ?? "Idle"), make("span", { className: "of", textContent: task?.Executions.length ? `${task.ExecutionCount > 1 ? `${task.ExecutionCount} × ` : ""}${span(took)}` : "" }));
    button.addEventListener("click", () => choose(node.Hash));
    mark(button, "node", node.Hash);
    return make("li", {}, button);
  });
  return make("ul", { className: "run-nodes" }, ...items);
}

/** All of one node. `acts` are what can be done, as [words, act, kind]. */
export function nodeDetails(node, state, acts, back) {
  const { Hash: run, TaskOutputs, Errors, WaitingTasks } = state.manifest, task = state.node(node.Hash), status = state.states.get(node.Hash) ?? "Idle";
  const buttons = acts.map(([words, act, kind]) => {
    const button = make("button", { type: "button", className: `quiet ${kind ?? ""}`, textContent: words });
    button.addEventListener("click", act);
    return button;
  });
  const list = make("button", { type: "button", className: "quiet", textContent: "All nodes" });
  list.addEventListener("click", back);
  const parts = [make("p", { className: "acts" }, list, ...buttons), make("p", {}, freshPill(status), ` ${task?.TaskTypeName ?? node.Type ?? ""} `, make("code", { textContent: node.Hash }))];
  const errors = Errors.filter((one) => one.NodeHash === node.Hash);
  if (errors.length) parts.push(section("Error", box(errors.map((one) => `${one.Message}${one.Handled ? " (an edge took it)" : ""}`).join("\n"), "bad")));
  if (BUSY.has(status) && WaitingTasks[node.Hash]?.DueAt) parts.push(make("p", { className: "of" }, "Its time ends at ", moment(WaitingTasks[node.Hash].DueAt)));
  if (task?.Executions.length) parts.push(section(task.Executions.length > 1 ? several(task.Executions.length, "execution") : "Execution", executions(task.Executions)));
  if (task) parts.push(section("Outputs", outputs(run, node.Hash, TaskOutputs[node.Hash])));
  const log = (task?.Executions ?? []).flatMap((one) => one.Log ?? []);
  if (log.length) parts.push(section("Log", box(log.join("\n"))));
  const settings = { ...node.Data, ...node.Settings };
  if (Object.keys(settings).length) parts.push(section("Settings", box(JSON.stringify(settings, null, 2))));
  return parts;
}

const MOST = 50;

function executions(all) {
  const rows = all.slice(-MOST).map((one) => make("tr", {}, ...[one.TriggerEvent || "–", moment(one.StartTime), one.StopTime ? span(one.ElapsedMs) : "runs", freshPill(one.Status), one.EventFired || "–"].map((value) => make("td", {}, value))));
  const head = make("tr", {}, ...["Began by", "At", "Took", "State", "Left by"].map((name) => make("th", { scope: "col", textContent: name })));
  return make("div", { className: "wide" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)), all.length > MOST ? make("p", { className: "of", textContent: `The newest ${MOST} of ${count(all.length)}.` }) : null);
}

/** Put these into the place of what is there, leaving alone what is the same: a selection and a focus in it stay. */
export function refresh(host, wanted) {
  wanted.forEach((node, place) => {
    const old = host.children[place];
    if (!old) host.append(node);
    else if (!old.isEqualNode(node)) old.replaceWith(node);
  });
  while (host.children.length > wanted.length) host.lastElementChild.remove();
}
