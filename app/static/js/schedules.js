// The schedules' page: what runs by itself, when next, how it went last, and what can be done about it.

import { askedYes } from "./asking.js";
import { arrange, attribute, byId, mark, part, say, show } from "./dom.js";
import { count } from "./format.js";
import { Frame, plain, shortcuts } from "./frame.js";
import { get, order } from "./http.js";
import { done, notice } from "./notice.js";
import { painter } from "./paint.js";
import { Roving } from "./roving.js";
import { operationAddress, runAddress, sayAge, shortRun, statePill } from "./run-words.js";
import { ScheduleForm } from "./schedule-form.js";
import { Past } from "./schedule-past.js";
import { HERE, localTime, outcomeWord, scheduleName, untilText, whenText } from "./schedule-words.js";

const PAGE = 50, MOST = 200;
const list = byId("schedules").tBodies[0], operation = new URLSearchParams(location.search).get("operation") ?? "";

let rows = new Map(), next = null, loaded = false, running = true, entries = 0;
const roving = new Roving(list, () => rows);

const repaint = painter(100, () => {
  arrange(list, [...rows.keys()], "blank-schedule", (row, guid) => fill(row, rows.get(guid)));
  show(byId("schedules"), rows.size > 0);
  show(byId("loading"), !loaded);
  show(byId("none"), loaded && !rows.size);
  show(byId("more"), Boolean(next));
  show(byId("clear"), operation !== "");
  show(byId("all-stopped"), !running);
  show(byId("switch"), loaded && (entries > 0 || !running));
  say(byId("switch"), running ? "Stop all …" : "Start all");
  say(byId("schedules-of"), loaded ? `${count(rows.size)}${next ? " shown, there are more" : operation ? ` of ${operation}` : " in all"}` : "");
});

function fill(row, one) {
  const name = part(row, "name");
  say(name, scheduleName(one));
  attribute(name, "href", `#${encodeURIComponent(one.GUID)}`);
  roving.fill(row, one.GUID);
  say(part(row, "hash"), one.TargetHash === scheduleName(one) ? "operation" : one.TargetHash);
  attribute(part(row, "hash"), "href", operationAddress(one.TargetHash));
  say(part(row, "about"), one.OperationName === null ? "This operation is not there any more." : "");
  say(part(row, "when"), whenText(one));
  say(part(row, "zone"), one.TimeZone);
  fillNext(row, one);
  fillLast(row, one.Last);
  const over = one.Active && !one.NextAt;
  mark(part(row, "active"), "status", !one.Active || !running ? "Paused" : over ? "Complete" : "Online");
  say(part(row, "active"), !one.Active ? "Stopped" : !running ? "All stopped" : over ? "Over" : "Active");
  say(row.querySelector("[data-act=turn]"), one.Active ? "Stop …" : "Start");
  for (const button of row.querySelectorAll("button")) attribute(button, "aria-label", `${button.textContent.replace(" …", "")} ${scheduleName(one)}`);
}

function fillNext(row, one) {
  const at = one.Active ? one.NextAt : null;
  say(part(row, "next"), at ? localTime(at) : "–");
  attribute(part(row, "next"), "datetime", at ?? "");
  say(part(row, "until"), at && running ? untilText(at) : "");
}

function fillLast(row, last) {
  const pill = part(row, "pill"), run = part(row, "run");
  show(pill, Boolean(last));
  show(run, Boolean(last?.RunHash));
  sayAge(part(row, "age"), last?.DueAt);
  if (!last) return say(part(row, "age"), "not due yet");
  statePill(pill, last.Status, outcomeWord(last.Status));
  attribute(pill, "title", last.Reason);
  say(run, shortRun(last.RunHash));
  return attribute(run, "href", runAddress(last.RunHash));
}

const asked = (more) => get(`/api/schedules?${new URLSearchParams({ ...more, ...(operation && { operation }) })}`);

async function read() {
  const limit = Math.min(MOST, Math.max(PAGE, rows.size));
  const [answer] = await Promise.all([asked({ limit }), past.read()]);
  // What lies beyond one answer stays as it was read.
  const tail = rows.size > limit ? [...rows.values()].slice(limit) : [];
  rows = new Map([...answer.Schedules, ...tail].map((one) => [one.GUID, one]));
  if (!tail.length) next = answer.Next;
  [loaded, running, entries] = [true, answer.Running, answer.Entries];
  past.retitle();
  repaint();
}

async function more() {
  if (!next) return;
  try {
    const answer = await asked({ limit: PAGE, after: next });
    for (const one of answer.Schedules) rows.set(one.GUID, one);
    next = answer.Next;
    repaint();
  } catch (error) {
    notice(error.message, "bad");
  }
}

const path = (one, word = "") => `/Schedule/${word}${encodeURIComponent(one.GUID)}`;

function askStop(title, about, yes) {
  say(byId("ask-stop-title"), title);
  say(byId("ask-stop-about"), about);
  say(byId("ask-stop-yes"), yes);
  return askedYes("ask-stop");
}

const ACTS = {
  past: (one) => past.open(one.GUID),
  async turn(one) {
    const name = scheduleName(one);
    if (!one.Active) return (await done(order(path(one, "Start/")), `${name} waits for its next moment.`)) && frame.again();
    const about = "What waits for its turn is skipped; a run under way goes on. What is due meanwhile is not made up for.";
    if (!(await askStop(`Stop ${name}?`, about, "Stop it"))) return null;
    return (await done(order(path(one, "Stop/")), `${name} is stopped.`)) && frame.again();
  },
  async edit(one) {
    if (await form.change(one)) notice(`${scheduleName(one)} is changed.`);
    frame.again();
  },
  async remove(one) {
    say(byId("ask-remove-title"), `Remove the schedule of ${scheduleName(one)}?`);
    if (!(await askedYes("ask-remove"))) return;
    if (!(await done(order(path(one), {}, "DELETE"), "The schedule is removed."))) return;
    const keys = [...rows.keys()], place = keys.indexOf(one.GUID);
    rows.delete(one.GUID);
    // The focus goes on to what takes its place.
    if (rows.size) roving.go(keys[place + 1] ?? keys[place - 1]);
    else byId("new").focus();
    frame.again();
  },
};

async function make() {
  const made = await form.make(operation);
  if (!made) return;
  notice(made.NextAt ? `Saved. It is due ${untilText(made.NextAt)}.` : "Saved.");
  roving.current = made.GUID;
  frame.again();
}

async function switchAll() {
  const about = "Nothing is looked at until all are started again. Runs under way go on; what is due meanwhile is not made up for.";
  if (running && !(await askStop("Stop all schedules?", about, "Stop all"))) return;
  const word = running ? "Stop" : "Start";
  if (await done(order(`/Schedule/${word}`), running ? "All schedules are stopped." : "Schedules are looked at again.")) frame.again();
}

const form = new ScheduleForm();
const past = new Past(() => rows);
const frame = new Frame({
  topics: ["run"],
  read,
  // An operation may have got another name, or may be there no more.
  happened: ({ Topic }) => Topic.startsWith("schedule") || Topic.startsWith("operation."),
});

for (const id of ["new", "first"]) byId(id).addEventListener("click", make);
byId("switch").addEventListener("click", switchAll);
byId("more").addEventListener("click", more);
byId("help-open").addEventListener("click", () => byId("help").showModal());
list.addEventListener("click", (event) => {
  const act = event.target.closest("button")?.dataset.act;
  if (act && plain(event)) ACTS[act](rows.get(event.target.closest("tr").dataset.key));
});

const act = (name) => () => rows.has(roving.current) && ACTS[name](rows.get(roving.current));
shortcuts({ ...roving.keys, n: make, m: more, "?": () => byId("help").showModal(), e: act("edit"), s: act("turn"), Delete: act("remove") });

say(byId("here"), HERE);
frame.start();
past.follow();
setInterval(() => document.hidden || repaint(), 1_000);
