// From the board to the page. Everything here may be called as often as one likes: it touches only what differs.

import { FINAL } from "./board.js";
import { age, attempt, between, contact, count, label, note, now, preview, short, span, tookMs, waitMs, work } from "./format.js";
import { arrange, attribute, byId, mark, part, pill, say, show } from "./dom.js";

// As long as somebody points into the list or walks through it, it stands still: nobody can hit a line that runs away.
const HOLD_MS = 2_500;
let heldUntil = 0;

export function paint(board) {
  paintBuckets(board);
  paintCapabilities(board);
  paintBeacons(board);
  paintItems(board);
}

function paintBuckets(board) {
  for (const element of document.querySelectorAll(".bucket")) {
    const name = element.dataset.bucket, number = board.buckets[name] ?? 0, chosen = name === board.bucket;
    say(part(element, "count"), count(number));
    mark(element, "zero", String(!number));
    attribute(element, "href", chosen ? "/" : `/?bucket=${name}`);
    if (chosen) attribute(element, "aria-current", "true");
    else element.removeAttribute("aria-current");
  }
}

function paintCapabilities(board) {
  const names = [...board.lanes.keys()].sort();
  arrange(byId("capabilities").tBodies[0], names, "blank-capability", (row, name) => {
    const lane = board.lanes.get(name);
    say(part(row, "name"), work(lane));
    say(part(row, "queued"), count(lane.Queued));
    say(part(row, "running"), count(lane.Running));
    say(part(row, "stalled"), count(lane.Stalled));
    mark(part(row, "stalled"), "zero", String(!lane.Stalled));
    mark(row, "zero", String(!lane.Queued && !lane.Running && !lane.Stalled));
  });
  show(byId("capabilities"), names.length > 0);
  show(byId("no-capabilities"), names.length === 0);
}

function paintBeacons(board) {
  const all = [...board.beacons.values()];
  const shells = all.filter((beacon) => beacon.Status !== "Offline" && beacon.Capabilities.includes("Shell"));
  arrange(byId("beacons"), all.map((beacon) => beacon.BeaconID), "blank-beacon", (row, id) => fillBeacon(row, board.beacons.get(id)));
  show(byId("no-beacons"), all.length === 0);
  const online = all.filter((beacon) => beacon.Status !== "Offline").length;
  say(byId("beacons-of"), all.length ? `${online} of ${all.length} online` : "");
  mark(byId("run-hint"), "shell", shells.length ? "yes" : "no");
  say(part(byId("run-hint"), "shells"), shells.map((beacon) => beacon.Name).join(", "));
}

function fillBeacon(row, beacon) {
  const can = beacon.Capabilities.join(" · ");
  say(part(row, "name"), beacon.Name);
  attribute(part(row, "name"), "title", beacon.BeaconID);
  pill(part(row, "pill"), beacon.Status, label(beacon.Status));
  say(part(row, "slots"), `${beacon.CurrentWorkItems.length}/${beacon.MaxConcurrent}`);
  say(part(row, "can"), can);
  attribute(part(row, "can"), "title", can);
  say(part(row, "contact"), contact(beacon));
  attribute(part(row, "contact"), "title", `last contact ${beacon.LastHeartbeat}`);
}

function paintItems(board) {
  const body = byId("items").tBodies[0];
  const shown = [...body.children].map((row) => row.dataset.key);
  const fresh = board.order.filter((hash) => !shown.includes(hash));
  const held = Date.now() < heldUntil && fresh.length > 0 && shown.length > 0;
  const keys = held ? shown : board.order;
  arrange(body, keys, "blank-item", (row, hash) => board.items.has(hash) && fillItem(row, board.items.get(hash), board));
  show(byId("no-items"), keys.length === 0);
  show(byId("newer"), held);
  if (held) say(byId("newer"), `${fresh.length} newer: show`);
  return held;
}

function fillItem(row, item, board) {
  mark(row, "open", String(item.WorkItemHash === board.open));
  const percent = item.Status === "Running" ? item.Progress?.Percent : null;
  pill(part(row, "pill"), item.Status, typeof percent === "number" ? `${Math.round(percent)} %` : label(item.Status));
  say(part(row, "work"), work(item));
  // An item that we know from its events alone comes without its settings; they are there a moment later.
  if (item.Settings) say(part(row, "preview"), preview(item.Settings));
  say(part(row, "note"), note(item));
  attribute(part(row, "link"), "href", `/Beacon/Work/${encodeURIComponent(item.WorkItemHash)}`);
  say(part(row, "short"), short(item.WorkItemHash));
  attribute(part(row, "short"), "title", item.WorkItemHash);
  say(part(row, "beacon"), board.name(item.AssignedBeaconID));
  attribute(part(row, "beacon"), "title", board.name(item.AssignedBeaconID));
  say(part(row, "attempt"), attempt(item));
  say(part(row, "wait"), span(waitMs(item)));
  say(part(row, "took"), span(tookMs(item)));
  say(part(row, "age"), age(between(item.EnqueuedAt, now())));
  attribute(part(row, "age"), "title", item.EnqueuedAt);
}

/** Once a second: ages, and the times of what has not ended. */
export function tick(board) {
  for (const row of byId("items").tBodies[0].children) {
    const item = board.items.get(row.dataset.key);
    if (!item) continue;
    say(part(row, "age"), age(between(item.EnqueuedAt, now())));
    if (!FINAL.has(item.Status)) {
      say(part(row, "wait"), span(waitMs(item)));
      say(part(row, "took"), span(tookMs(item)));
    }
  }
  for (const row of byId("beacons").children) {
    const beacon = board.beacons.get(row.dataset.key);
    if (beacon) say(part(row, "contact"), contact(beacon));
  }
}

/** Hold the list still while it is being used; `repaint` is called when that is over. */
export function holdStill(repaint) {
  let timer = 0;
  const hold = () => {
    heldUntil = Date.now() + HOLD_MS;
    clearTimeout(timer);
    timer = setTimeout(repaint, HOLD_MS + 20);
  };
  const body = byId("items").tBodies[0];
  for (const happening of ["pointermove", "keydown", "focusin"]) body.addEventListener(happening, hold, { passive: true });
  byId("newer").addEventListener("click", () => {
    heldUntil = 0;
    repaint();
  });
}

/** A painter that paints at once, and then at most every `ms`, whatever happens in between; nothing while nobody looks. */
export function painter(ms, draw) {
  let last = -Infinity, waiting = false;
  const run = () => {
    waiting = false;
    if (document.hidden) return;
    last = performance.now();
    draw();
  };
  const request = () => {
    if (waiting) return;
    waiting = true;
    const rest = ms - (performance.now() - last);
    if (rest > 0) setTimeout(() => requestAnimationFrame(run), rest);
    else requestAnimationFrame(run);
  };
  document.addEventListener("visibilitychange", () => {
    waiting = false;
    if (!document.hidden) request();
  });
  return request;
}
