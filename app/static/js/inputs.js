// The inputs' page: each thing that is asked for, with the form that answers it.

import { answerForm, deadline, waitedFor } from "./answering.js";
import { arrange, attribute, byId, make, part, say, show } from "./dom.js";
import { count } from "./format.js";
import { Frame } from "./frame.js";
import { page } from "./http.js";
import { notice } from "./notice.js";
import { forceError } from "./run-acts.js";
import { runAddress } from "./run-words.js";

const PAGE = 100, MOST = 1_000;
let asked = new Map(), runs = 0, next = null;

/** One for each node that waits: a run may ask for several things at once. */
const spread = (all) => all.flatMap((run) => Object.entries(run.WaitingTasks).map(([node, task]) => [`${run.RunHash} ${node} ${task.Timestamp}`, { run, node, task }]));

function paint() {
  arrange(byId("inputs"), [...asked.keys()], "blank-input", (section, key) => fill(section, asked.get(key)));
  show(byId("loading"), false);
  show(byId("none"), asked.size === 0);
  show(byId("more"), Boolean(next));
  say(byId("inputs-of"), asked.size ? `${count(asked.size)}${next ? " shown, there are more" : ""}` : "");
}

function fill(section, { run, node, task }) {
  const link = part(section, "run");
  say(link, run.OperationName || run.OperationHash);
  attribute(link, "href", runAddress(run.RunHash));
  say(part(section, "about"), `${node} · has waited ${waitedFor(task)} · ${deadline(task)}`);
  const host = part(section, "form");
  // What somebody is typing stays as it is.
  if (host.children.length) return;
  const fail = make("button", { type: "button", className: "quiet danger", textContent: "Force an error …" });
  fail.addEventListener("click", async () => (await forceError(run.RunHash, node)) && frame.reread());
  host.append(answerForm(run.RunHash, node, task, () => frame.reread()), make("p", { className: "input-acts" }, fail));
}

async function read() {
  const told = await page(`/PendingInput?limit=${Math.min(MOST, Math.max(PAGE, runs))}`);
  [asked, runs, next] = [new Map(spread(told.body)), told.body.length, told.next];
  paint();
}

byId("more").addEventListener("click", async () => {
  try {
    const told = await page(`/PendingInput?${new URLSearchParams({ limit: PAGE, after: next })}`);
    for (const [key, value] of spread(told.body)) asked.set(key, value);
    runs += told.body.length;
    next = told.next;
    paint();
  } catch (error) {
    notice(error.message, "bad");
  }
});

// Only what begins to ask, is answered, or ends changes what is shown here.
const MATTERS = new Set(["TaskWaiting", "TaskAnswered", "TaskComplete", "TaskError", "ExecutionComplete", "ExecutionRetry"]);
const frame = new Frame({ topics: ["run"], read, happened: (event) => MATTERS.has(event.Payload.EventType) });
frame.start();
setInterval(() => document.hidden || paint(), 5_000);
