// What can be done about items: one by one, with questions where something is to be said, and many at once with the outcome of each.

import { byId, say } from "./dom.js";
import { order } from "./http.js";
import { done } from "./notice.js";

const QUEUED = ["Delayed", "Pending", "RetryScheduled"], HELD = ["Running", "Stalled"], AGAIN = ["Error", "Canceled"];
// One request is one transaction, and other commands wait for it: many items go in several.
const TOGETHER = 250;

/** What fits an item's state. */
export function actsFor({ Status, CancelRequested }) {
  const acts = [];
  if (Status === "Pending") acts.push("up");
  if (QUEUED.includes(Status)) acts.push("priority");
  if (AGAIN.includes(Status)) acts.push("requeue");
  if (QUEUED.includes(Status) || (HELD.includes(Status) && !CancelRequested)) acts.push("cancel");
  return acts;
}

/** Ask what has to be asked, do it, say what became of it. Returns the outcome, null when it was left or refused. */
export async function perform(act, item) {
  const path = `/Beacon/Work/${encodeURIComponent(item.WorkItemHash)}`;
  if (act === "up") return done(order(`${path}/Reorder`, { Direction: "up" }), ({ NewPriority }) => `Moved up; its priority is ${NewPriority} now.`);
  if (act === "priority") {
    const asked = await askPriority(item.Priority);
    return asked && done(order(`${path}/Priority`, asked), ({ NewPriority }) => `Its priority is ${NewPriority} now.`);
  }
  if (act === "requeue") {
    const asked = await askRequeue(item);
    return asked && done(order(`${path}/Requeue`, asked), "It waits for a beacon again.");
  }
  const asked = await askCancel(1);
  return asked && done(order(`${path}/Cancel`, asked), ({ Canceled }) => (Canceled ? "Canceled." : "Its holder is told; it ends with the holder's next word."));
}

/** Open a question; resolves once it is closed, to whether the answer was yes. */
function asked(id, first) {
  const dialog = byId(id), from = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  first.focus();
  first.select?.();
  return new Promise((closed) =>
    dialog.addEventListener("close", () => {
      if (from?.isConnected) from.focus();
      closed(dialog.returnValue === "yes");
    }, { once: true }),
  );
}

export async function askCancel(count) {
  say(byId("ask-cancel-title"), count === 1 ? "Cancel this item?" : `Cancel ${count} items?`);
  say(byId("ask-cancel-yes"), count === 1 ? "Cancel it" : `Cancel ${count}`);
  byId("ask-cancel-reason").value = "";
  return (await asked("ask-cancel", byId("ask-cancel-reason"))) ? { Reason: byId("ask-cancel-reason").value } : null;
}

export async function askPriority(current = 0) {
  const field = byId("ask-priority-value");
  field.value = current;
  return (await asked("ask-priority", field)) ? { Priority: Number(field.value) } : null;
}

export async function askRequeue(item) {
  const field = byId("ask-requeue-settings"), priority = byId("ask-requeue-priority"), before = JSON.stringify(item.Settings ?? {}, null, 2);
  field.value = before;
  priority.value = item.Priority;
  say(byId("ask-requeue-error"), "");
  if (!(await asked("ask-requeue", field))) return null;
  // What was not touched is not sent: the history tells whether somebody has edited it.
  return { ...(field.value === before ? {} : { Settings: JSON.parse(field.value) }), Priority: Number(priority.value) };
}

function objection(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? "" : "Settings are a JSON object: { … }.";
  } catch (error) {
    return `This is no JSON: ${error.message}`;
  }
}

byId("ask-requeue").querySelector("form").addEventListener("submit", (event) => {
  const wrong = event.submitter?.value === "yes" ? objection(byId("ask-requeue-settings").value) : "";
  say(byId("ask-requeue-error"), wrong);
  if (!wrong) return;
  event.preventDefault();
  byId("ask-requeue-settings").focus();
});

const ROUTES = { cancel: "Cancel", requeue: "Requeue", priority: "Priority" };

/**
 * Do the same to many. Returns for each hash what became of it: `{ hash, ok, text }`. A request that gets no answer leaves its items as
 * not known, and those after it are not tried.
 */
export async function performMany(act, hashes, body, told) {
  const outcomes = [];
  for (let start = 0; start < hashes.length; start += TOGETHER) {
    const some = hashes.slice(start, start + TOGETHER);
    try {
      const { Items, Errors } = await order(`/Beacon/Work/${ROUTES[act]}/Batch`, { Hashes: some, ...body });
      for (const one of Items) outcomes.push({ hash: one.WorkItemHash, ok: true, text: words(act, one) });
      for (const one of Errors) outcomes.push({ hash: one.WorkItemHash, ok: false, text: one.Error });
    } catch (error) {
      for (const hash of hashes.slice(start)) outcomes.push({ hash, ok: false, text: error.message });
      break;
    }
    told(outcomes.length);
  }
  return outcomes;
}

function words(act, one) {
  if (act === "priority") return `priority ${one.NewPriority}`;
  if (act === "requeue") return "waits again";
  return one.Canceled ? "canceled" : "its holder is told";
}
