// The operations' page: what there is, how its newest runs went, and what can be done with it.

import { askedYes, holdWhileWrong, objectIn, saveAs } from "./asking.js";
import { arrange, attribute, byId, make, mark, part, say, show } from "./dom.js";
import { clock, count, span } from "./format.js";
import { Frame, plain, shortcuts } from "./frame.js";
import { get, order } from "./http.js";
import { bringIn, bringInFile } from "./importing.js";
import { Library } from "./library.js";
import { done, notice } from "./notice.js";
import { painter } from "./paint.js";
import { Roving } from "./roving.js";
import { operationAddress, runAddress, sayAge, several, stateWord, statePill } from "./run-words.js";

const PAGE = 50, MOST = 200, TYPING_MS = 300;

const list = byId("operations").tBodies[0];
let rows = new Map(), next = null, loaded = false, text = new URLSearchParams(location.search).get("text") ?? "", typed = 0;
const roving = new Roving(list, () => rows);
const field = byId("filters").elements.text;
field.value = text;

const repaint = painter(100, () => {
  arrange(list, [...rows.keys()], "blank-operation", (row, hash) => fill(row, rows.get(hash)));
  show(byId("operations"), rows.size > 0);
  show(byId("loading"), !loaded);
  show(byId("none"), loaded && !rows.size);
  say(byId("none-text"), text ? "No operation matches." : "There is no operation yet. Draw a new one, or take one from the library.");
  show(byId("more"), Boolean(next));
  say(byId("operations-of"), loaded ? `${count(rows.size)}${next ? " shown, there are more" : text ? " found" : " in all"}` : "");
});

function fill(row, one) {
  const name = part(row, "name");
  say(name, one.Name || one.Hash);
  attribute(name, "href", operationAddress(one.Hash));
  roving.fill(row, one.Hash);
  say(part(row, "hash"), one.Name && one.Name !== one.Hash ? one.Hash : "");
  say(part(row, "about"), one.Description ?? "");
  attribute(part(row, "about"), "title", one.Description ?? "");
  tags(part(row, "tags"), one.Tags ?? [], one.SourceBeacon);
  say(part(row, "nodes"), count(one.NodeCount));
  say(part(row, "rev"), count(one.Revision));
  audit(part(row, "audit"), one.Audit);
  dots(part(row, "runs"), one.Runs);
  sayAge(part(row, "age"), one.Runs[0]?.StartTime);
  for (const button of row.querySelectorAll("button")) attribute(button, "aria-label", `${button.textContent.replace(" …", "")} ${one.Name || one.Hash}`);
}

function tags(host, all, beacon) {
  const wanted = [...all, ...(beacon ? [`from ${beacon}`] : [])].join("\n");
  if (host.dataset.said === wanted) return;
  mark(host, "said", wanted);
  host.replaceChildren(...wanted.split("\n").filter(Boolean).flatMap((tag) => [make("a", { className: "tag", href: `/operations?text=${encodeURIComponent(tag)}`, textContent: tag }), " "]));
}

function audit(host, found) {
  const bad = found?.ErrorCount ?? 0, odd = found?.WarningCount ?? 0;
  mark(host, "kind", bad ? "bad" : odd ? "warn" : "");
  say(host, !found ? "not looked at" : bad ? several(bad, "error") + (odd ? `, ${several(odd, "warning")}` : "") : odd ? several(odd, "warning") : "sound");
}

/** The newest runs as marks, the newest first; each leads to its page. */
function dots(host, runs) {
  const key = runs.map((run) => `${run.Hash} ${run.Status}`).join("\n");
  if (host.dataset.said === key && key) return;
  mark(host, "said", key);
  const marks = runs.map((run, place) => {
    const words = `${stateWord(run.Status)}, ${clock(Date.parse(run.StartTime))}, ${span(run.ElapsedMs)}`;
    const link = make("a", { href: runAddress(run.Hash), className: "pill", title: words, ariaLabel: words });
    statePill(link, run.Status, place ? "" : stateWord(run.Status));
    return link;
  });
  host.replaceChildren(...(marks.length ? marks : [make("span", { className: "of", textContent: "never run" })]));
}

async function read() {
  const limit = Math.min(MOST, Math.max(PAGE, rows.size)), asked = text;
  const told = await get(`/api/operations?${new URLSearchParams({ limit, text })}`);
  if (asked !== text) return;
  // What lies beyond one answer stays as it was read.
  const tail = rows.size > limit ? [...rows.values()].slice(limit) : [];
  rows = new Map([...told.Operations, ...tail].map((one) => [one.Hash, one]));
  if (!tail.length) next = told.Next;
  loaded = true;
  repaint();
}

async function more() {
  if (!next) return;
  try {
    const told = await get(`/api/operations?${new URLSearchParams({ limit: PAGE, text, after: next })}`);
    for (const one of told.Operations) rows.set(one.Hash, one);
    next = told.Next;
    repaint();
  } catch (error) {
    notice(error.message, "bad");
  }
}

function look(wanted) {
  if (wanted === text) return;
  text = wanted;
  rows = new Map();
  Object.assign(field, { value: field === document.activeElement ? field.value : text });
  [next, loaded] = [null, false];
  history.replaceState(null, "", text ? `?text=${encodeURIComponent(text)}` : location.pathname);
  repaint();
  frame.again();
}

const ACTS = {
  run: (one) => begin(one, {}),
  async runWith(one) {
    say(byId("ask-run-title"), `Run ${one.Name || one.Hash}`);
    say(byId("ask-run-error"), "");
    const whole = await get(`/Operation/${encodeURIComponent(one.Hash)}`).catch(() => ({}));
    byId("ask-run-parameters").value = JSON.stringify(whole.InitialOperationState ?? {}, null, 2);
    if (!(await askedYes("ask-run", byId("ask-run-parameters")))) return;
    await begin(one, { Parameters: objectIn(byId("ask-run-parameters").value), RunMode: byId("ask-run-mode").value });
  },
  async export(one) {
    const told = await done(get(`/Operation/${encodeURIComponent(one.Hash)}/Export`), `${one.Name || one.Hash} is saved as a file.`);
    if (told) saveAs(`${one.Hash}.json`, JSON.stringify(told, null, 2));
  },
  async delete(one) {
    say(byId("ask-delete-title"), `Delete ${one.Name || one.Hash}?`);
    if (!(await askedYes("ask-delete"))) return;
    if (await done(order(`/Operation/${encodeURIComponent(one.Hash)}`, {}, "DELETE"), `${one.Name || one.Hash} is deleted.`)) frame.reread();
  },
};

/** Begin a run, and go where it is followed. */
async function begin(one, body) {
  const run = await done(order(`/Operation/${encodeURIComponent(one.Hash)}/Execute/Async`, body), "It runs.");
  if (run) location.assign(runAddress(run.RunHash));
}

const frame = new Frame({ topics: ["run"], read });

field.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(() => look(field.value.trim()), TYPING_MS);
});
byId("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  look(field.value.trim());
});
byId("more").addEventListener("click", more);
byId("help-open").addEventListener("click", () => byId("help").showModal());
byId("import").addEventListener("click", () => byId("import-file").click());
byId("import-file").addEventListener("change", async (event) => {
  for (const file of event.target.files) await bringInFile(file);
  event.target.value = "";
  frame.reread();
});
const library = new Library(async (document) => {
  await bringIn(document);
  frame.reread();
});
byId("library-open").addEventListener("click", () => library.open());
holdWhileWrong("ask-run", "ask-run-parameters", "ask-run-error");

list.addEventListener("click", (event) => {
  if (!plain(event)) return;
  const act = event.target.closest("button")?.dataset.act, tag = event.target.closest(".tag");
  if (act) ACTS[act](rows.get(event.target.closest("tr").dataset.key));
  if (!tag) return;
  event.preventDefault();
  field.value = tag.textContent;
  look(tag.textContent);
});

const act = (name) => () => rows.has(roving.current) && ACTS[name](rows.get(roving.current));
shortcuts({
  ...roving.keys,
  "/": () => field.select(),
  n: () => byId("new").click(),
  m: more,
  "?": () => byId("help").showModal(),
  r: act("run"),
  R: act("runWith"),
  e: act("export"),
});

frame.start();
setInterval(() => document.hidden || repaint(), 10_000);
