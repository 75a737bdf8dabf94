// The runs' page: the newest first, narrowed to a state or an operation; the address holds what is looked for.

import { arrange, attribute, byId, make, mark, part, say, show } from "./dom.js";
import { count, span } from "./format.js";
import { Frame, plain, shortcuts } from "./frame.js";
import { get, page } from "./http.js";
import { notice } from "./notice.js";
import { painter } from "./paint.js";
import { Roving } from "./roving.js";
import { inLine, runAddress, runTook, sayAge, shortRun, statePill } from "./run-words.js";

// So many are read at once; of a longer list only the beginning is kept true, and what ends further down is read with the next page.
const PAGE = 100, MOST = 1_000, TYPING_MS = 400;
const form = byId("filters"), list = byId("runs").tBodies[0];

let rows = new Map(), next = null, loaded = false, wanted = said(), typed = 0;
const roving = new Roving(list, () => rows);

function said() {
  const query = new URLSearchParams(location.search);
  return { status: query.get("status") ?? "", operation: query.get("operation") ?? "" };
}

const query = (more = {}) => new URLSearchParams(Object.entries({ ...wanted, ...more }).filter(([, value]) => value !== "")).toString();

const repaint = painter(150, () => {
  arrange(list, [...rows.keys()], "blank-run", (row, hash) => fill(row, rows.get(hash)));
  show(byId("runs"), rows.size > 0);
  show(byId("loading"), !loaded);
  show(byId("none"), loaded && !rows.size);
  const narrow = query() !== "";
  say(byId("none"), narrow ? "No run matches." : "Nothing has been run yet.");
  say(byId("runs-of"), loaded ? `${count(rows.size)}${next ? " shown, there are more" : narrow ? " found" : " in all"}` : "");
  show(byId("more"), Boolean(next));
  show(byId("clear"), narrow);
  for (const label of form.querySelectorAll("label")) mark(label, "set", String(label.querySelector("input, select").value !== ""));
});

function fill(row, run) {
  statePill(part(row, "pill"), run.Status);
  const name = part(row, "name");
  say(name, run.OperationName || run.OperationHash);
  attribute(name, "href", runAddress(run.Hash));
  roving.fill(row, run.Hash);
  const asks = Object.values(run.WaitingTasks ?? {}).map((task) => task.PromptMessage).filter(Boolean);
  say(part(row, "about"), asks.length ? `asks: ${inLine(asks.join(" · "))}` : "");
  say(part(row, "short"), shortRun(run.Hash));
  attribute(part(row, "short"), "title", run.Hash);
  say(part(row, "rev"), count(run.Revision));
  say(part(row, "mode"), run.RunMode);
  say(part(row, "errors"), run.ErrorCount ? count(run.ErrorCount) : "");
  say(part(row, "took"), span(runTook(run)));
  sayAge(part(row, "age"), run.StartTime);
}

async function read() {
  const asked = query(), limit = Math.min(MOST, Math.max(PAGE, rows.size));
  const told = await page(`/Manifest?${query({ limit })}`);
  if (asked !== query()) return;
  const tail = rows.size > limit ? [...rows.values()].slice(limit) : [];
  rows = new Map([...told.body, ...tail].map((run) => [run.Hash, run]));
  if (!tail.length) next = told.next;
  loaded = true;
  repaint();
}

async function more() {
  if (!next) return;
  try {
    const told = await page(`/Manifest?${query({ limit: PAGE, after: next })}`);
    for (const run of told.body) rows.set(run.Hash, run);
    next = told.next;
    repaint();
  } catch (error) {
    notice(error.message, "bad");
  }
}

function look(changes, step = true) {
  if (step) history[typed ? "replaceState" : "pushState"](null, "", "");
  wanted = { ...wanted, ...changes };
  const asked = query();
  if (step) history.replaceState(null, "", `${location.pathname}${asked && `?${asked}`}`);
  for (const [name, value] of Object.entries(wanted)) if (form.elements[name] !== document.activeElement) form.elements[name].value = value;
  [rows, next, loaded] = [new Map(), null, false];
  repaint();
  frame.again();
}

const take = () => look({ status: form.elements.status.value, operation: form.elements.operation.value.trim() });

form.addEventListener("change", take);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  take();
});
form.elements.operation.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(() => {
    take();
    typed = 0;
  }, TYPING_MS);
});
window.addEventListener("popstate", () => look(said(), false));
byId("clear").addEventListener("click", (event) => {
  if (!plain(event)) return;
  event.preventDefault();
  form.reset();
  look({ status: "", operation: "" });
});
byId("more").addEventListener("click", more);
byId("help-open").addEventListener("click", () => byId("help").showModal());
list.addEventListener("click", (event) => {
  // The whole line leads to the run; what is marked in it is left alone.
  const row = event.target.closest("tr");
  if (row && plain(event) && !event.target.closest("a") && getSelection().isCollapsed) part(row, "name").click();
});

shortcuts({ ...roving.keys, "/": () => form.elements.operation.select(), m: more, "?": () => byId("help").showModal() });

const frame = new Frame({ topics: ["run"], read });
for (const [name, value] of Object.entries(wanted)) form.elements[name].value = value;
frame.start();
setInterval(() => document.hidden || repaint(), 1_000);
// What can be narrowed to is offered, and not waited for.
get("/api/operations?limit=200").then(({ Operations }) => byId("operations").append(...Operations.map((one) => make("option", { value: one.Hash, textContent: one.Name }))), () => {});
