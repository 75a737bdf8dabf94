// The queue's page: what is looked for, what is found, what is chosen, and what is done with it.

import { Bulk } from "./bulk.js";
import { byId, show } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Filter } from "./filter.js";
import { beaconName } from "./format.js";
import { Frame, plain, typing } from "./frame.js";
import { get } from "./http.js";
import { paintLanes, togglePause } from "./lanes.js";
import { paintLines, tickLines } from "./lines.js";
import { notice } from "./notice.js";
import { painter } from "./paint.js";
import { Shelf } from "./shelf.js";

const PAINT_MS = 200;
const MOST_BEACONS = 500;
// As long as somebody points into the list or walks through it, it stands still: nobody can hit a line that runs away.
const HOLD_MS = 2_500;

let beacons = new Map(), lanes = null, current = null, open = null, looking = false, heldUntil = 0, holdTimer = 0;
const nameOf = (id) => beaconName(id, beacons);

const filter = new Filter(() => {
  shelf.clear();
  bulk.none();
  repaint();
  frame.again();
});
const shelf = new Shelf(filter, () => repaint());
const bulk = new Bulk(shelf, () => current, () => {
  repaint();
  frame.reread();
}, () => {
  repaint();
  settle();
});
const drawer = new Drawer(nameOf, (hash) => {
  open = hash;
  repaint();
});
const repaint = painter(PAINT_MS, () => {
  if (lanes) paintLanes(lanes, filter);
  bulk.paint();
  paintLines(shelf, { picked: bulk.picked, current, open, nameOf, filter, looking });
});

/** Read what was held back, once nobody holds it. */
const settle = () => shelf.stale && !held() && frame.reread();
const held = () => shelf.loaded && (bulk.picked.size > 0 || Date.now() < heldUntil);

async function read() {
  const named = get(`/Beacon?limit=${MOST_BEACONS}`).then((value) => ({ value }), (error) => ({ error }));
  const counts = get("/api/lanes");
  counts.catch(() => {}); // judged below
  await look(() => shelf.read(held()));
  lanes = await counts;
  const { value, error } = await named;
  if (value) beacons = new Map(value.map((beacon) => [beacon.BeaconID, beacon]));
  const names = (key) => [...new Set(lanes.Lanes.map((lane) => lane[key]))].sort().map((name) => [name, name]);
  filter.offer("capability", names("Capability"));
  filter.offer("action", names("Action"));
  filter.offer("beacon", [...beacons.values()].map((beacon) => [beacon.BeaconID, beacon.Name]));
  repaint();
  if (error) throw error;
}

async function look(act) {
  looking = true;
  repaint();
  try {
    await act();
  } finally {
    looking = false;
    repaint();
  }
}

const more = () => looking || !shelf.next || look(() => shelf.more()).catch((error) => notice(error.message, "bad"));

const frame = new Frame({
  read,
  happened: (event) => {
    const hash = event.Payload.WorkItemHash;
    if (hash) drawer.heard(hash);
    repaint();
    return shelf.apply(event);
  },
});

function hold() {
  heldUntil = Date.now() + HOLD_MS;
  clearTimeout(holdTimer);
  holdTimer = setTimeout(settle, HOLD_MS + 20);
}

const list = byId("items").tBodies[0];
for (const happening of ["pointermove", "keydown", "focusin"]) list.addEventListener(happening, hold, { passive: true });
list.addEventListener("focusin", (event) => {
  current = event.target.closest("tr")?.dataset.key ?? current;
});
byId("newer").addEventListener("click", () => {
  heldUntil = 0;
  shelf.release();
  repaint();
});
byId("more").addEventListener("click", more);
// Near the end the next page is read before it is asked for; what is rare is looked for only when it is.
new IntersectionObserver(([seen]) => seen.isIntersecting && !shelf.looked && shelf.order.length < 1_000 && more(), { rootMargin: "600px" }).observe(byId("more"));

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element) || !plain(event)) {
    // Shift reaches from the last one that was chosen.
    if (event.shiftKey && event.target.closest?.("#items .is-pick")) bulk.reach(event.target.closest("tr").dataset.key);
    return;
  }
  const link = event.target.closest("#states a, #clear, .lane-name"), row = event.target.closest("#items tbody tr");
  const lane = event.target.closest("#lanes button");
  if (link) {
    event.preventDefault();
    const said = Object.fromEntries(new URL(link.href).searchParams);
    const chosen = link.hasAttribute("aria-current") && !link.matches(".lane-name");
    const none = link.id === "clear" ? { text: "", capability: "", action: "", beacon: "", run: "", status: "", bucket: "", order: "newest" } : {};
    if (link.matches(".lane-name")) filter.set({ capability: said.capability ?? "", action: said.action ?? "" });
    else filter.set({ ...none, status: "", bucket: "", ...(chosen ? {} : said) });
  } else if (lane) {
    togglePause(lane.closest("li")).then(() => frame.reread());
  } else if (row && event.target.closest(".is-pick")) {
    if (event.target.tagName !== "INPUT") event.preventDefault();
    bulk.toggle(row.dataset.key);
  } else if (row && getSelection().isCollapsed) {
    event.preventDefault();
    current = row.dataset.key;
    drawer.open(row.dataset.key, row.querySelector("a"));
  }
});
byId("all").addEventListener("change", (event) => (event.target.checked ? bulk.all() : bulk.none()));

const KEYS = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
const ACTS = { c: "cancel", r: "requeue", p: "priority", u: "up" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog.ask[open]")) return;
  if (event.key === "Escape") escape(event);
  if (typing(event) && event.target.type !== "checkbox") return;
  const key = event.key;
  if (key in KEYS) walk(event, KEYS[key]);
  else if (key === "/") take(event, () => byId("filters").elements.text.select());
  else if (key === "x" || (key === "X" && event.shiftKey)) take(event, () => (event.shiftKey ? bulk.reach(current) : bulk.toggle(current)));
  else if (key === "a") take(event, () => bulk.all());
  else if (key === "m") take(event, more);
  else if (key === "?") take(event, () => byId("help").showModal());
  else if (key in ACTS) take(event, () => bulk.act(ACTS[key]));
});

function take(event, act) {
  event.preventDefault();
  act();
}

function escape(event) {
  if (drawer.hash !== null) take(event, () => drawer.close());
  else if (bulk.picked.size) take(event, () => bulk.none());
}

/** From item to item; with the drawer open, it follows. */
function walk(event, step) {
  if (event.target.closest?.("#drawer") || !shelf.order.length) return;
  event.preventDefault();
  const place = shelf.order.indexOf(current);
  const next = place < 0 ? 0 : Math.min(shelf.order.length - 1, Math.max(0, place + step));
  current = shelf.order[next];
  const link = list.querySelector(`[data-key="${CSS.escape(current)}"] a`);
  for (const other of list.querySelectorAll('a[tabindex="0"]')) other.tabIndex = -1;
  link.tabIndex = 0;
  link.focus();
}

byId("help-open").addEventListener("click", () => byId("help").showModal());
setInterval(() => {
  if (document.hidden) return;
  tickLines(shelf);
  drawer.tick();
}, 1_000);

show(byId("loading"), true);
frame.start();
drawer.follow();
