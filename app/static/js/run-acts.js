// What can be done about a run, with questions where something is to be said.

import { askedYes, holdWhileWrong, objectIn } from "./asking.js";
import { byId, say } from "./dom.js";
import { order } from "./http.js";
import { done } from "./notice.js";

const at = (hash) => encodeURIComponent(hash);

export async function abandon(run) {
  byId("ask-abandon-reason").value = "";
  if (!(await askedYes("ask-abandon", byId("ask-abandon-reason")))) return null;
  return done(order(`/Manifest/${at(run)}/Abandon`, { Reason: byId("ask-abandon-reason").value }), "Abandoned.");
}

export async function forceError(run, node, name = node) {
  say(byId("ask-force-title"), `Have ${name} fail?`);
  byId("ask-force-reason").value = "";
  if (!(await askedYes("ask-force", byId("ask-force-reason")))) return null;
  return done(order(`/PendingInput/${at(run)}/ForceError`, { NodeHash: node, Reason: byId("ask-force-reason").value }), `${name} has failed, as you wished.`);
}

/** Begin failed nodes again: all of them, or the one that is named. */
export async function retry(run, node = "", name = node) {
  const about = node ? "It begins again within this run, and what follows it goes on." : "What failed begins again within this run; what the other nodes brought stays.";
  const settings = await askAgain(node ? `Retry ${name}?` : "Retry what failed?", about, "Retry");
  return settings && done(order(`/Operation/${at(run)}/Retry`, { NodeHash: node, ...settings }), "It begins again.");
}

/** Begin a new run at a node. Returns its answer. */
export async function fork(run, node, name = node) {
  const settings = await askAgain(`Fork at ${name}?`, "A new run begins at this node, with all that this run had brought until then. This run stays as it is.", "Fork");
  return settings && done(order(`/Manifest/${at(run)}/Fork`, { NodeHash: node, ...settings }), "A new run has begun.");
}

async function askAgain(title, about, yes) {
  say(byId("ask-again-title"), title);
  say(byId("ask-again-about"), about);
  say(byId("ask-again-yes"), yes);
  say(byId("ask-again-error"), "");
  const field = byId("ask-again-settings");
  field.value = "";
  if (!(await askedYes("ask-again", byId("ask-again-yes")))) return null;
  return field.value.trim() ? { SettingsOverrides: objectIn(field.value) } : {};
}

holdWhileWrong("ask-again", "ask-again-settings", "ask-again-error");
