// How runs, their nodes and their graphs are spoken of, wherever they are shown.

import { attribute, make, pill, say } from "./dom.js";
import { age, between, clock, count, now } from "./format.js";

/** States of runs and nodes, as the marks of the house that mean the same. */
const TONES = {
  Queued: "Pending", Idle: "Pending", "In Progress": "Running", Working: "Running", Executing: "Running", Launched: "Running",
  Retrying: "RetryScheduled", Paused: "RetryScheduled", Abandoned: "Canceled", Started: "Running", Skipped: "Canceled", Replaced: "Canceled",
};
const WORDS = {
  "In Progress": "Running", Idle: "Not begun", Working: "At a beacon", Executing: "At a worker", Launched: "Runs an operation", Paused: "Tried again soon",
  Waiting: "Waits for input",
};

export const LIVE = new Set(["Queued", "In Progress", "Waiting", "Retrying"]);
export const BUSY = new Set(["Working", "Executing", "Launched", "Paused", "Waiting"]);

export const tone = (status) => TONES[status] ?? status;
export const stateWord = (status) => WORDS[status] ?? status;

export function statePill(element, status, words = stateWord(status)) {
  pill(element, tone(status), words);
}

export function freshPill(status, words) {
  const made = make("span", { className: "pill" });
  statePill(made, status, words);
  return made;
}

export const runAddress = (hash) => `/runs/${encodeURIComponent(hash)}`;
export const operationAddress = (hash) => `/operations/${encodeURIComponent(hash)}`;
export const shortRun = (hash) => hash.slice(-12);

/** How long a run has taken, or takes. */
export const runTook = (run) => (run.StopTime ? run.ElapsedMs : between(run.StartTime, now()));

/** Fill a time with its age; the moment itself is what the pointer finds. */
export function sayAge(element, iso) {
  say(element, iso ? age(between(iso, now())) : "");
  attribute(element, "title", iso ? clock(Date.parse(iso)) : "");
  attribute(element, "datetime", iso ?? "");
}

export const several = (number, word, more = `${word}s`) => `${count(number)} ${number === 1 ? word : more}`;

/** A value in one line; the whole of it elsewhere. */
export function inLine(value, letters = 120) {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  const flat = text.slice(0, 4 * letters).replace(/\s+/g, " ").trim();
  return flat.length > letters ? `${flat.slice(0, letters - 1)}…` : flat;
}
