// The queue over time: four plots that share their time and their cursor, drawn anew with each sample.

import { byId, make, say, show } from "./dom.js";
import { clock, count, span } from "./format.js";
import { Frame } from "./frame.js";
import { get } from "./http.js";

const HEIGHT = 220, ROWS = 30;
const number = (value) => (value === null || value === undefined ? "–" : count(Math.round(value * 10) / 10));
const time = (value) => (value === null || value === undefined ? "–" : span(value));

/** Each plot: its series are columns of the answer, with their name and the colour of the house that they have. */
const PLOTS = [
  { title: "Queue depth", of: "items at once", words: number, series: [["Waiting", "waiting", "--text"], ["Running", "running", "--accent"], ["Stalled", "stalled", "--warn"], ["Slots", "slots", "--faint", [4, 4]]] },
  { title: "Throughput", of: "items per minute", words: number, series: [["StoredPerMinute", "came", "--text", [4, 4]], ["CompletedPerMinute", "completed", "--good"], ["ErroredPerMinute", "failed", "--bad"]] },
  { title: "Wait", of: "from ready to dispatched", words: time, series: [["WaitP50Ms", "median", "--accent"], ["WaitP95Ms", "95th percentile", "--warn"]] },
  { title: "Run", of: "from dispatched to completed", words: time, series: [["RunP50Ms", "median", "--accent"], ["RunP95Ms", "95th percentile", "--warn"]] },
];

let Library = null, missing = false, told = null, drawn = [];
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const chosen = () => new URLSearchParams(location.search).get("range") ?? "1h";

async function read() {
  const range = chosen();
  const [answer] = await Promise.all([get(`/api/samples?from=now-${range}`), load()]);
  if (range !== chosen()) return;
  told = answer;
  paint();
}

/** The library is not ours and may not be installed; the numbers are there without it. */
async function load() {
  if (Library || missing) return;
  try {
    Library = (await import("../lib/uplot.js")).default;
  } catch {
    missing = true;
  }
}

function paint() {
  const known = told.Waiting.some((value) => value !== null);
  show(byId("plots-note"), !known || missing);
  say(byId("plots-note"), known ? "The plots' library is not installed; script/setup installs it. The numbers stand below." : "No sample has been taken in this time. A worker takes one every ten seconds.");
  say(byId("plots-of"), known ? `one point for ${span(told.SecondsPerPoint * 1000)}` : "");
  show(byId("plots"), known && !missing);
  if (known && !missing) draw();
  byId("numbers").open ||= missing;
  paintNumbers();
}

function draw() {
  if (!drawn.length) drawn = PLOTS.map(made);
  drawn.forEach(({ chart, section, plot }) => {
    const columns = [told.At, ...plot.series.map(([name]) => told[name])];
    chart.setData(columns);
    // What the eye sees is said: the newest value of each line.
    const said = plot.series.map(([name, word]) => `${word} ${plot.words(told[name].findLast((value) => value !== null))}`);
    section.querySelector(".plot-body").setAttribute("aria-label", `${plot.title}: ${said.join(", ")}`);
  });
}

function made(plot) {
  const body = make("div", { className: "plot-body", role: "img" });
  const section = make("section", { className: "panel plot" }, make("h2", {}, plot.title, make("span", { className: "of", textContent: plot.of })), body);
  byId("plots").append(section);
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
  const options = {
    width: body.clientWidth || 600,
    height: HEIGHT,
    cursor: { sync: { key: "queue" }, drag: { x: true, y: false } },
    hooks: { setLegend: [newest] },
    scales: { y: { range: (_, least, most) => [0, most > 0 ? most * 1.08 : 1] } },
    axes: [{ ...axis, values: (_, moments) => moments.map((at) => axisTime(at, told.SecondsPerPoint)) }, { ...axis, size: 64, values: (_, values) => values.map(plot.words) }],
    series: [
      { label: "at", value: (_, at) => (at === null ? "–" : clock(at * 1000)) },
      ...plot.series.map(([, word, name, dash]) => ({
        label: word, stroke: colour(name), width: 1.75, dash, points: { show: false }, spanGaps: false, value: (_, value) => plot.words(value),
      })),
    ],
  };
  const chart = new Library(options, [[0], ...plot.series.map(() => [null])], body);
  new ResizeObserver(() => body.clientWidth && chart.setSize({ width: body.clientWidth, height: HEIGHT })).observe(body);
  return { chart, section, plot };
}

/** Where nobody points, the newest values stand below. The library empties its legend with each redrawing, and when the pointer leaves. */
function newest(chart) {
  const place = told.Waiting.findLastIndex((value) => value !== null);
  if ((chart.legend.idx ?? null) === null && place >= 0 && place < chart.data[0].length) chart.setLegend({ idx: place }, false);
}

function axisTime(at, seconds) {
  const then = new Date(at * 1000);
  const day = then.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  const time = then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return seconds > 600 ? `${day} ${time}` : time;
}

function paintNumbers() {
  if (!byId("numbers").open) return;
  const table = byId("numbers").querySelector("table"), columns = PLOTS.flatMap((plot) => plot.series.map((one) => [plot, ...one]));
  const head = make("tr", {}, make("th", { scope: "col", textContent: "At" }), ...columns.map(([plot, , word]) => make("th", { scope: "col", className: "is-number", textContent: `${plot.title}, ${word}` })));
  const places = [...told.At.keys()].filter((place) => told.Waiting[place] !== null).slice(-ROWS).reverse();
  const rows = places.map((place) =>
    make("tr", {}, make("th", { scope: "row", textContent: clock(told.At[place] * 1000) }), ...columns.map(([plot, name]) => make("td", { className: "is-number", textContent: plot.words(told[name][place]) }))),
  );
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...rows);
}

function choose() {
  const field = document.querySelector(`#ranges [value="${CSS.escape(chosen())}"]`);
  if (field) field.checked = true;
}

byId("ranges").addEventListener("change", (event) => {
  history.pushState(null, "", `?range=${event.target.value}`);
  frame.again();
});
window.addEventListener("popstate", () => {
  choose();
  frame.again();
});
byId("numbers").addEventListener("toggle", () => told && paintNumbers());
dark.addEventListener("change", () => {
  for (const { chart, section } of drawn) {
    chart.destroy();
    section.remove();
  }
  drawn = [];
  if (told) paint();
});

const frame = new Frame({ topics: ["pulse"], read });
choose();
frame.start();
