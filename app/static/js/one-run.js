// The page of one run: its graph in the colours of what happens, its times, what it says and brings, and what can be done about it.

import { answerForm, deadline } from "./answering.js";
import { drawingOf } from "./cards.js";
import { arrange, attribute, byId, make, part, say, show } from "./dom.js";
import { clock, count, span } from "./format.js";
import { Frame, typing } from "./frame.js";
import { Gantt } from "./gantt.js";
import { GraphView, loaded, steer } from "./graph.js";
import { Refused, get, order } from "./http.js";
import { done } from "./notice.js";
import { painter } from "./paint.js";
import { abandon, forceError, fork, retry } from "./run-acts.js";
import { box, nodeDetails, nodeList, refresh, valuesOf } from "./run-node.js";
import { RunState } from "./run-state.js";
import { BUSY, operationAddress, runAddress, several, stateWord, statePill, tone } from "./run-words.js";

const MOST_EVENTS = 200, MOST_ITEMS = 1_000, LOG_LINES = 5_000;
const hash = document.body.dataset.hash, state = new RunState();

let graph = null, view = null, types = new Map(), titles = new Map(), current = null, whole = false, fitted = false;

const gantt = new Gantt(byId("gantt"), { chosen: (node) => choose(node), changed: () => state.manifest && paintGantt(), words: (ms) => span(ms) });
gantt.steer({ earlier: "gantt-earlier", later: "gantt-later", nearer: "gantt-nearer", farther: "gantt-farther", whole: "gantt-whole" });

async function read() {
  try {
    await readRun();
  } catch (error) {
    // What is not there comes from no second question.
    if (!(error instanceof Refused) || error.status !== 404) throw error;
    say(byId("run-title"), "Cannot be shown");
    say(byId("run-facts"), error.message);
  }
}

async function readRun() {
  const [manifest, items] = await Promise.all([
    get(`/Manifest/${encodeURIComponent(hash)}`),
    get(`/api/items?${new URLSearchParams({ run: hash, limit: MOST_ITEMS })}`).catch(() => ({ Items: [] })),
  ]);
  state.take(manifest);
  state.takeItems(items.Items);
  if (!graph) await readGraph(manifest);
  repaint();
}

/** The graph as it was when the run began: that of its revision. */
async function readGraph({ OperationHash, Revision }) {
  const [{ Graph }, all, library] = await Promise.all([get(`/Operation/${encodeURIComponent(OperationHash)}/Revisions/${Revision}`), get("/TaskType"), loaded()]);
  graph = Graph;
  types = new Map(all.map((type) => [type.Hash, type]));
  titles = new Map(graph.Nodes.map((node) => [node.Hash, node.Title || node.Hash]));
  if (!library) {
    byId("graph").append(make("p", { className: "graph-none", textContent: "The library that draws graphs is not installed on the hub: run script/setup. The list beside tells the same." }));
    return;
  }
  view = new GraphView(library, byId("graph"), { picked: (kind, node) => choose(kind === "node" ? node : null) });
  view.draw(drawingOf(graph, types));
  steer(() => view, { nearer: "graph-nearer", farther: "graph-farther", whole: "graph-whole" });
}

const repaint = painter(120, () => {
  if (!state.manifest) return;
  paintTop();
  paintAsks();
  paintGraph();
  paintNode();
  paintGantt();
  paintTexts();
  paintHistory();
});

function paintTop() {
  const run = state.manifest;
  say(byId("run-title"), run.OperationName || run.OperationHash);
  statePill(byId("run-pill"), run.Status);
  attribute(byId("run-operation"), "href", operationAddress(run.OperationHash));
  show(byId("run-parent"), Boolean(run.ParentRunHash));
  if (run.ParentRunHash) attribute(byId("run-parent"), "href", runAddress(run.ParentRunHash));
  const facts = [`revision ${run.Revision}`, `mode ${run.RunMode}`, `began by ${run.Origin}`, `at ${clock(Date.parse(run.StartTime))}`, `${run.StopTime ? "took" : "runs for"} ${span(state.tookMs())}`, run.ErrorCount ? several(run.ErrorCount, "error") : ""];
  say(byId("run-facts"), facts.filter(Boolean).join(" · "));
  show(byId("run-acts"), true);
  show(button("abandon"), run.Live);
  show(button("retry"), !run.Live && run.Status !== "Complete");
}

const button = (act) => byId("run-acts").querySelector(`[data-act="${act}"]`);

function paintAsks() {
  const asks = Object.entries(state.manifest.WaitingTasks).filter(([, task]) => task.Status === "Waiting");
  show(byId("asks"), asks.length > 0);
  const wanted = new Map(asks.map(([node, task]) => [`${node} ${task.Timestamp}`, [node, task]])), host = byId("asks-forms");
  // What somebody is typing stays as it is.
  for (const one of [...host.children]) if (!wanted.has(one.dataset.key)) one.remove();
  for (const [key, [node, task]] of wanted) {
    if ([...host.children].some((one) => one.dataset.key === key)) continue;
    const fail = make("button", { type: "button", className: "quiet danger", textContent: "Force an error …" });
    fail.addEventListener("click", async () => (await forceError(hash, node, titles.get(node))) && frame.reread());
    const one = make("div", { className: "input-one" }, answerForm(hash, node, task, () => frame.reread()), make("p", { className: "input-acts" }, fail, " ", make("span", { className: "of", textContent: `${titles.get(node) ?? node}, ${deadline(task)}` })));
    one.dataset.key = key;
    host.append(one);
  }
}

function paintGraph() {
  const counts = new Map();
  for (const node of graph.Nodes) {
    const status = state.states.get(node.Hash) ?? "Idle", runs = state.node(node.Hash)?.ExecutionCount ?? 0;
    counts.set(status, (counts.get(status) ?? 0) + 1);
    view?.state(node.Hash, status === "Idle" ? "" : tone(status), status === "Idle" ? "" : runs > 1 ? `${runs} ×` : "");
  }
  say(byId("graph-of"), [...counts].map(([status, number]) => `${count(number)} ${stateWord(status).toLowerCase()}`).join(", "));
  if (view && !fitted) view.open();
  fitted = true;
}

function choose(node) {
  current = node && graph.Nodes.some((one) => one.Hash === node) ? node : null;
  view?.pick(current ? [current] : []);
  if (current) view?.reveal(current);
  paintNode();
  paintGantt();
}

function paintNode() {
  const node = graph.Nodes.find((one) => one.Hash === current), title = node && titles.get(node.Hash);
  say(byId("node-title"), node ? title : "Nodes");
  if (byId("node-body").contains(document.activeElement) && byId("node-body").dataset.of === (current ?? "") && !state.live) return;
  byId("node-body").dataset.of = current ?? "";
  if (!node) return refresh(byId("node-body"), [nodeList(graph.Nodes, state, (chosen) => {
    choose(chosen);
    byId("node-title").focus();
  })]);
  // Its buttons are new ones each time: they act on what is shown.
  const focus = byId("node-body").contains(document.activeElement) ? document.activeElement.textContent : null;
  byId("node-body").replaceChildren(...nodeDetails(node, state, actsFor(node, title), () => {
    choose(null);
    byId("node-title").focus();
  }));
  if (focus) [...byId("node-body").querySelectorAll("button")].find((one) => one.textContent === focus)?.focus();
  return undefined;
}

function actsFor(node, title) {
  const status = state.states.get(node.Hash) ?? "Idle", acts = [];
  const then = async (doing) => (await doing) && frame.reread();
  if (state.live && BUSY.has(status)) acts.push(["Force an error …", () => then(forceError(hash, node.Hash, title)), "danger"]);
  if (!state.live && status !== "Idle") acts.push(["Retry …", () => then(retry(hash, node.Hash, title))]);
  if (status !== "Idle" && node.Type !== "start") acts.push(["Fork …", async () => go(await fork(hash, node.Hash, title))]);
  return acts;
}

const go = (run) => run && location.assign(runAddress(run.RunHash));

function paintGantt() {
  const rows = state.rows(titles);
  show(byId("gantt-none"), rows.length === 0);
  gantt.draw(rows, state.ends, current);
  say(byId("gantt-of"), rows.length ? `${several(rows.length, "node")}, ${span(state.ends[1] - state.ends[0])}` : "");
}

function paintTexts() {
  const run = state.manifest, parts = [];
  const unhandled = run.Errors.filter((one) => !one.Handled);
  if (unhandled.length && !run.Live) parts.push(box(unhandled.map((one) => `${titles.get(one.NodeHash) ?? one.NodeHash}: ${one.Message}`).join("\n"), "bad"));
  parts.push(...valuesOf(run.Output));
  if (!Object.keys(run.Output).length) parts.push(make("p", { className: "empty", textContent: run.Live ? "No output yet. What each node brought is told with the node." : "It has no output of its own. What each node brought is told with the node." }));
  for (const [name, value] of [["State of the operation", run.OperationState], ["Global state", run.GlobalState]]) {
    if (Object.keys(value).length) parts.push(make("details", {}, make("summary", { textContent: name }), box(JSON.stringify(value, null, 2))));
  }
  const open = [...byId("output").querySelectorAll("details[open] summary")].map((one) => one.textContent);
  for (const one of parts) if (one.matches("details") && open.includes(one.querySelector("summary").textContent)) one.open = true;
  refresh(byId("output"), parts);
  const lines = run.Log.slice(-LOG_LINES);
  say(byId("log"), lines.join("\n") || "Nothing was said.");
  say(byId("log-of"), run.Log.length ? several(run.Log.length, "line") : "");
}

function paintHistory() {
  const all = state.manifest.EventLog, shown = whole ? all : all.slice(-MOST_EVENTS), by = new Map(shown.map((event) => [String(event.Seq), event]));
  arrange(byId("history").tBodies[0], [...by.keys()].reverse(), "blank-event", (row, seq) => {
    const event = by.get(seq);
    say(part(row, "seq"), seq);
    say(part(row, "at"), clock(event.TimestampMs));
    attribute(part(row, "at"), "title", event.Timestamp);
    say(part(row, "what"), event.EventName);
    say(part(row, "node"), event.NodeHash ? titles.get(event.NodeHash) ?? event.NodeHash : "");
    say(part(row, "more"), event.Message);
  });
  say(byId("history-of"), `newest first, ${several(all.length, "piece")}`);
  show(byId("history-all"), shown.length < all.length);
}

const frame = new Frame({
  topics: ["run", "queue"],
  read,
  happened: (event) => {
    const { RunHash, RunID } = event.Payload;
    if (RunHash !== hash && RunID !== hash) return false;
    const node = RunHash === hash && event.Payload.EventType ? state.heard(event.Payload) : null;
    if (node && graph) view?.state(node, tone(state.states.get(node)));
    return event.Topic !== "queue.progress";
  },
});

const ACTS = {
  abandon: async () => (await abandon(hash)) && frame.reread(),
  retry: async () => (await retry(hash)) && frame.reread(),
  again: async () => go(await done(order(`/Operation/${encodeURIComponent(state.manifest.OperationHash)}/Execute/Async`, { RunMode: state.manifest.RunMode }), "It runs.")),
};
byId("run-acts").addEventListener("click", (event) => ACTS[event.target.closest("button")?.dataset.act]?.());
byId("history-all").addEventListener("click", () => {
  whole = true;
  paintHistory();
});
byId("run-copy").addEventListener("click", () => done(navigator.clipboard.writeText(hash), "Copied."));
show(byId("run-copy"), Boolean(navigator.clipboard));

byId("graph").addEventListener("keydown", (event) => {
  const keys = { ArrowRight: () => step(1), ArrowDown: () => step(1), ArrowLeft: () => step(-1), ArrowUp: () => step(-1), "+": () => view?.zoom(true), "=": () => view?.zoom(true), "-": () => view?.zoom(false), 0: () => view?.fit(), Escape: () => choose(null) };
  if (!(event.key in keys) || typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[event.key]();
});

/** From node to node, in the order in which they began, the others after them. */
function step(by) {
  const begun = state.rows(titles).map((row) => row.hash), all = [...begun, ...graph.Nodes.map((node) => node.Hash).filter((node) => !begun.includes(node))];
  choose(all[(all.indexOf(current) + by + all.length) % all.length]);
}

frame.start();
setInterval(() => document.hidden || !state.manifest || !state.live || (paintTop(), paintGantt()), 1_000);
