// The timeline's page: what happened, what happens, what is likely to; with what went wrong marked in it.

import { Chart, kindOf } from "./chart.js";
import { attribute, byId, make, say, show } from "./dom.js";
import { beaconName, clock, count, now, span } from "./format.js";
import { Frame, typing } from "./frame.js";
import { get } from "./http.js";
import { painter } from "./paint.js";
import { Past } from "./past.js";
import { TimeWindow } from "./window.js";

const MOST_BEACONS = 500;
// Up to here the hub tells the records themselves; of longer stretches it counts.
const LANES_MS = 3_600_000, COLUMNS = 120;
const DRAGGED = 6;

let beacons = new Map(), odd = [], loaded = false;
const past = new Past();
const chart = new Chart(byId("chart"));
const stretch = new TimeWindow(now, () => {
  showRange();
  repaint();
  clearTimeout(asking);
  // Whoever turns a wheel turns it often.
  asking = setTimeout(() => frame.again(), 150);
});
let asking = 0;

const records = ([from, to]) => to - from < LANES_MS * 1.2;

async function read() {
  const [from, to] = stretch.ends, { capability } = stretch;
  const key = stretch.follows ? `${stretch.range} ${capability}` : `${from} ${to} ${capability}`;
  const anomalies = get(`/Timeline/Anomalies?${new URLSearchParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), capability })}`);
  anomalies.catch(() => {}); // judged below
  const named = get(`/Beacon?limit=${MOST_BEACONS}`).catch(() => null);
  await past.read(from, to, capability, key);
  odd = (await anomalies).Anomalies.map((one) => ({ at: Date.parse(one.At), length: one.DurationMs, type: one.EventType, seen: one.Observed, limit: one.Baseline, score: one.Score }));
  const all = await named;
  if (all) beacons = new Map(all.map((beacon) => [beacon.BeaconID, beacon]));
  offer(all ?? []);
  loaded = true;
  repaint();
}

/** Counts of what ended, in columns that fit the stretch; the hub's own where it has counted. */
function columns([from, to]) {
  if (past.buckets.size && !past.records.length) return [...past.buckets.values()].sort((one, other) => one.at - other.at);
  const length = Math.max(1_000, Math.ceil((to - from) / COLUMNS / 1_000) * 1_000), found = new Map();
  for (const { to: end, type } of past.records) {
    if (!kindOf(type)) continue;
    const at = Math.floor(end / length) * length, column = found.get(at) ?? { at, length, counts: {} };
    column.counts[type] = (column.counts[type] ?? 0) + 1;
    found.set(at, column);
  }
  return [...found.values()];
}

/** The beacons that are there, and those that only the past knows, by name. */
function lanes() {
  const ids = new Set([...beacons.keys(), ...past.present.map((one) => one.beacon), ...past.records.filter((one) => kindOf(one.type) && one.hash).map((one) => one.beacon)]);
  ids.delete(null);
  ids.delete("");
  ids.delete(undefined);
  return [...ids].map((id) => [id, beaconName(id, beacons)]).sort(([, one], [, other]) => (one < other ? -1 : 1));
}

const words = {
  tick: (at, step) => new Date(at).toLocaleTimeString("en-GB", step < 60_000 ? {} : { hour: "2-digit", minute: "2-digit" }),
  record: (one) => `${one.work}: ${one.type.toLowerCase()} at ${clock(one.to)}${one.to > one.from ? ` after ${span(one.to - one.from)}` : ""}`,
  present: (one) => `${one.work}: ${one.status.toLowerCase()} since ${clock(one.from)}`,
  expected: (one) => `${one.work}: expected at ${clock(one.from)}${one.sure ? "" : ", a guess"}`,
  odd: (one) => `${one.seen} times ${one.type} within ${span(one.length)} from ${clock(one.at)}`,
};

const repaint = painter(200, () => {
  const ends = stretch.ends;
  say(byId("span"), `${clock(ends[0])} to ${clock(Math.min(ends[1], Math.max(ends[0], now())))}, ${span(ends[1] - ends[0])}`);
  if (!loaded) return;
  chart.draw({ from: ends[0], to: ends[1], now: now(), lanes: lanes(), records: past.records, present: past.present, future: past.future, columns: columns(ends), odd, words, withLanes: records(ends) });
  const ended = past.records.filter((one) => kindOf(one.type)).length;
  say(byId("line-of"), records(ends) ? `${count(ended)} ended, ${count(past.present.length)} under way` : "");
  const nothing = !past.records.length && !past.buckets.size && !past.present.length;
  say(byId("line-note"), past.cut ? "There is more than is drawn: look at a shorter stretch." : nothing ? "Nothing happened in this time." : records(ends) ? "" : "Beacons have lanes in stretches of up to an hour: zoom in.");
  show(byId("line-note"), byId("line-note").textContent !== "");
  paintOdd();
});

function paintOdd() {
  const rows = odd.slice(-50).reverse().map((one) => {
    const look = make("button", { type: "button", className: "quiet", textContent: "Look", ariaLabel: `Look at ${clock(one.at)}` });
    look.addEventListener("click", () => stretch.look(one.at - 2 * one.length, one.at + 3 * one.length));
    const cells = [clock(one.at), one.type, count(one.seen), count(one.limit)].map((text, place) => make("td", { className: place > 1 ? "is-number" : "", textContent: text }));
    return make("tr", {}, ...cells, make("td", { className: "is-acts" }, look));
  });
  const body = byId("odd").tBodies[0];
  if (body.innerText !== make("tbody", {}, ...rows.map((row) => row.cloneNode(true))).innerText || body.rows.length !== rows.length) body.replaceChildren(...rows);
  show(byId("odd"), odd.length > 0);
  show(byId("no-odd"), odd.length === 0);
  say(byId("no-odd"), "None in this time.");
}

function offer(all) {
  const names = new Set([...all.flatMap((beacon) => beacon.Capabilities), stretch.capability].filter(Boolean));
  const field = byId("capability"), wanted = ["", ...[...names].sort()];
  if (wanted.join("\n") !== [...field.options].map((option) => option.value).join("\n")) field.replaceChildren(...wanted.map((name) => new Option(name || "any", name)));
  field.value = stretch.capability;
}

function showRange() {
  for (const field of byId("ranges").elements) field.checked = stretch.follows && field.value === stretch.range;
  attribute(byId("now"), "aria-pressed", String(stretch.follows));
  say(byId("now"), stretch.follows ? "Following now" : "Follow now");
}

const ACTS = { earlier: () => stretch.move(-0.25), later: () => stretch.move(0.25), nearer: () => stretch.zoom(0.5), farther: () => stretch.zoom(2), now: () => stretch.follow() };
for (const [id, act] of Object.entries(ACTS)) byId(id).addEventListener("click", act);
byId("ranges").addEventListener("change", (event) => stretch.choose(event.target.value));
byId("capability").addEventListener("change", (event) => stretch.narrow(event.target.value));

const KEYS = { ArrowLeft: "earlier", ArrowRight: "later", "+": "nearer", "=": "nearer", "-": "farther", 0: "now" };
document.addEventListener("keydown", (event) => {
  if (!(event.key in KEYS) || typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  ACTS[KEYS[event.key]]();
});

const host = byId("chart");
host.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.shiftKey && document.activeElement !== host) return; // the wheel is the page's, until the chart is used
  event.preventDefault();
  stretch.zoom(event.deltaY > 0 ? 1.25 : 0.8, chart.moment(event.clientX));
}, { passive: false });

// A stretch that is drawn with the pointer is what one wants to see.
host.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || event.pointerType === "touch") return;
  const box = host.getBoundingClientRect(), start = event.clientX;
  const at = (x) => Math.min(box.width, Math.max(chart.left, x - box.left));
  const move = (moved) => {
    if (Math.abs(moved.clientX - start) < DRAGGED) return;
    chart.pick = [at(start), at(moved.clientX)];
    repaint();
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", (ended) => {
    window.removeEventListener("pointermove", move);
    if (chart.pick === null) return;
    chart.pick = null;
    const [one, other] = [chart.moment(start), chart.moment(ended.clientX)].sort((a, b) => a - b);
    // The click that ends the drawing opens no item.
    host.addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true });
    stretch.look(one, other);
  }, { once: true });
});

const frame = new Frame({ read, happened: (event) => stretch.follows && event.Topic !== "queue.progress" });
new ResizeObserver(() => repaint()).observe(host);
showRange();
frame.start();
setInterval(() => document.hidden || !stretch.follows || repaint(), 1_000);
