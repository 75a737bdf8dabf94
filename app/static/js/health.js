// The health page: parts, dead letters, lanes.

import { arrange, byId, make, mark, part, pill, say, show } from "./dom.js";
import { clock, count, now, span } from "./format.js";
import { Frame } from "./frame.js";
import { get, order, page } from "./http.js";
import { done } from "./notice.js";

// Nobody announces that he does not answer, so this page asks, as long as somebody looks at it.
const LOOK_MS = 5_000;
const PAGE = 20;
const WORDS = { ok: "well", late: "look", down: "down" };

let letters = new Map(), next = null, hidden = false;

function paint({ State, Parts, Lanes }) {
  pill(byId("state"), State, { ok: "all is well", late: "somebody should look", down: "down" }[State]);
  say(byId("looked"), `looked at ${clock(now())}`);
  const parts = new Map(Parts.map((one) => [one.Name, one]));
  arrange(byId("parts"), [...parts.keys()], "blank-part", (row, name) => fillPart(row, parts.get(name)));
  byId("parts").removeAttribute("aria-busy");
  show(byId("no-parts"), false);
  const lanes = new Map(Lanes.map((one) => [one.Lane, one]));
  arrange(byId("lanes").tBodies[0], [...lanes.keys()], "blank-lane", (row, name) => {
    say(part(row, "name"), name);
    say(part(row, "entries"), count(lanes.get(name).Entries));
    say(part(row, "lag"), span(lanes.get(name).LagMs));
  });
  show(byId("lanes"), lanes.size > 0);
  show(byId("no-lanes"), lanes.size === 0);
  say(byId("no-lanes"), parts.get("Redis")?.State === "ok" ? "No lane has ever had a command." : "Not known while Redis is away.");
}

function fillPart(row, told) {
  say(part(row, "name"), told.Name);
  pill(part(row, "pill"), told.State, WORDS[told.State]);
  say(part(row, "sentence"), told.Sentence);
  say(part(row, "advice"), told.Advice);
  const numbers = Object.entries(told.Numbers).filter(([, value]) => typeof value === "number");
  say(part(row, "numbers"), numbers.map(([name, value]) => said(name, value)).join(" · "));
}

/** `LagMs: 1200` as `lag 1.2 s`, `WaitingItems: 3` as `waiting items 3`. */
function said(name, value) {
  const words = name.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
  if (words.endsWith(" ms")) return `${words.slice(0, -3)} ${value < 1 ? "under 1 ms" : span(value)}`;
  if (words.endsWith(" ms ago")) return `${words.slice(0, -7)} ${span(value)} ago`;
  return `${words} ${count(value)}`;
}

async function read() {
  const found = await page(`/api/dead-letters?limit=${Math.max(PAGE, letters.size)}`).catch((error) => {
    if (error.code !== "forbidden") throw error;
    hidden = true;
    return { body: [], next: null };
  });
  letters = new Map(found.body.map((one) => [one.DeadLetter, one]));
  next = found.next;
  paintLetters();
}

function paintLetters() {
  const body = byId("letters").tBodies[0];
  for (const trace of body.querySelectorAll(".trace")) if (!letters.has(trace.dataset.of)) trace.remove();
  const traces = [...body.querySelectorAll(".trace")];
  traces.forEach((trace) => trace.remove());
  arrange(body, [...letters.keys()], "blank-letter", (row, id) => fillLetter(row, letters.get(id)));
  for (const trace of traces) body.querySelector(`[data-key="${trace.dataset.of}"]`).after(trace);
  show(byId("letters"), letters.size > 0);
  show(byId("no-letters"), letters.size === 0);
  say(byId("no-letters"), hidden ? "Only administrators see them: what failed may hold secrets." : "There is none.");
  say(byId("letters-of"), letters.size ? `newest ${letters.size}${next ? ", there are more" : ""}` : "");
  show(byId("more-letters"), next !== null);
}

function fillLetter(row, letter) {
  say(part(row, "died"), clock(Date.parse(letter.DiedAt)));
  part(row, "died").dateTime = part(row, "died").title = letter.DiedAt;
  say(part(row, "command"), letter.Command);
  say(part(row, "lane"), `lane ${letter.Lane}, by ${letter.Actor}`);
  say(part(row, "error"), letter.Error);
  say(part(row, "tries"), String(letter.Tries));
  for (const name of ["trace", "replay", "discard"]) part(row, name).setAttribute("aria-label", `${part(row, name).textContent} ${letter.Command}`);
}

async function toggleTrace(row, button) {
  const open = row.nextElementSibling?.classList.contains("trace");
  button.setAttribute("aria-expanded", String(!open));
  if (open) return row.nextElementSibling.remove();
  const box = make("pre", { className: "box", tabIndex: 0, textContent: "Loading …" });
  const trace = make("tr", { className: "trace" }, make("td", { colSpan: 5 }, box));
  mark(trace, "of", row.dataset.key);
  row.after(trace);
  try {
    say(box, (await get(`/api/dead-letters/${row.dataset.key}`)).Traceback);
  } catch (error) {
    say(box, error.message);
  }
}

async function discard(id, button) {
  const dialog = byId("discard");
  say(byId("discard-what"), `${letters.get(id).Command}: ${letters.get(id).Error}`);
  byId("discard-reason").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  if (dialog.returnValue !== "discard") return button.focus();
  await done(order(`/api/dead-letters/${id}`, { Reason: byId("discard-reason").value }, "DELETE"), "Discarded. The reason stays in the audit.");
  return settled();
}

async function settled() {
  await Promise.all([frame.reread(), frame.look(true)]);
  byId("dead-letters").focus();
}

byId("letters").addEventListener("click", async (event) => {
  const button = event.target.closest("button"), row = event.target.closest("tr");
  if (!button) return;
  if (button.dataset.f === "trace") await toggleTrace(row, button);
  if (button.dataset.f === "discard") await discard(row.dataset.key, button);
  if (button.dataset.f === "replay") {
    button.disabled = true;
    await done(order(`/api/dead-letters/${row.dataset.key}/replay`), ({ Command }) => `${Command} lies at the end of its lane again.`);
    button.disabled = false;
    await settled();
  }
});

byId("more-letters").addEventListener("click", async () => {
  const found = await page(`/api/dead-letters?limit=${PAGE}&after=${encodeURIComponent(next)}`);
  for (const one of found.body) letters.set(one.DeadLetter, one);
  next = found.next;
  paintLetters();
});

const frame = new Frame({ read, happened: () => false, condition: paint });
frame.start();
setInterval(() => !document.hidden && frame.look(true), LOOK_MS);
