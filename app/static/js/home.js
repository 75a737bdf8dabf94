// The home page: what the server has painted is taken over and kept true.

import { Board, NEWEST } from "./board.js";
import { Commands } from "./command.js";
import { byId, mark, say, show } from "./dom.js";
import { Drawer } from "./drawer.js";
import { clock, label, letters, now } from "./format.js";
import { Refused, get } from "./http.js";
import { Live } from "./live.js";
import { holdStill, paint, painter, tick } from "./paint.js";

// Five paints a second are live to the eye, whatever comes in.
const PAINT_MS = 200;
// A burst is over when nothing has come for the first time; one that goes on is interrupted by a reading after the second.
const QUIET_MS = 400, BURST_MS = 2_000;
// No event tells of a dead letter: they are counted when the page connects, and then along with a reading, no more often than this.
const LETTERS_MS = 60_000, MOST_LETTERS = 100;
const MOST_BEACONS = 500;

const board = new Board(document.body.dataset.bucket);
const repaint = painter(PAINT_MS, () => board.loaded && paint(board));
const nameOf = (id) => board.name(id);
const drawer = new Drawer(nameOf, (hash) => {
  board.open = hash;
  repaint();
});
const commands = new Commands({
  open: (hash, from) => drawer.open(hash, from),
  nameOf,
  learnt: (item) => {
    board.learn(item);
    repaint();
  },
});

let readAt = 0, reading = null, ready = true;

/** Read the state as a whole. Returns whether that worked; if not, the page says why. */
function read() {
  reading ??= readOnce().finally(() => (reading = null));
  return reading;
}

async function readOnce() {
  const bucket = board.bucket;
  const beacons = get(`/Beacon?limit=${MOST_BEACONS}`).then((value) => ({ value }), (error) => ({ error }));
  try {
    const queue = await get(`/Beacon/Queue?limit=${NEWEST}${bucket ? `&bucket=${bucket}` : ""}`);
    const { value, error } = await beacons;
    if (bucket === board.bucket) board.load(queue, value ?? null);
    readAt = Date.now();
    mark(document.body, "known", "yes");
    trouble(error);
    repaint();
    commands.check();
    countLetters();
    return !error;
  } catch (error) {
    trouble(error);
    return false;
  }
}

let countedAt = -Infinity;

async function countLetters() {
  if (performance.now() - countedAt < LETTERS_MS) return;
  countedAt = performance.now();
  const found = await get(`/api/dead-letters?limit=${MOST_LETTERS}`).catch(() => null);
  if (!found) return;
  say(byId("dead"), letters(found.length, MOST_LETTERS));
  show(byId("dead"), found.length > 0);
}

function trouble(error) {
  // That nobody answers is said in the bar, where it moves nothing; an answer that explains itself gets its own line.
  const explained = error instanceof Refused;
  show(byId("trouble"), explained);
  say(byId("trouble-text"), explained ? error.message : "");
  say(byId("trouble-more"), error?.missing?.length ? `Missing: ${error.missing.join(", ")}.` : "");
  ready = error?.code !== "not_ready";
}

let timer = 0, burstAt = 0, heardAt = 0;

/** Read while connected: what cannot be read is not live, so the connection is made anew, with pauses, until it can. */
async function reread() {
  if (!(await read())) live.again();
}

/** Have the state read once what happens has calmed down. */
function readSoon() {
  heardAt = performance.now();
  if (timer) return;
  burstAt = heardAt;
  timer = setTimeout(function due() {
    const at = performance.now();
    const rest = Math.min(heardAt + QUIET_MS, burstAt + BURST_MS) - at;
    timer = rest > 0 ? setTimeout(due, rest) : 0;
    if (!timer) reread();
  }, QUIET_MS);
}

function happened(event) {
  const hash = board.loaded ? board.apply(event) : event.Payload.WorkItemHash;
  if (hash) {
    commands.heard(hash, board.status(hash) ?? event.Payload.Status);
    drawer.heard(hash);
    repaint();
  }
  // How far an item is stands in the event; all else may have more to it than events tell.
  if (event.Topic !== "queue.progress") readSoon();
}

function state(name, retryAt) {
  const texts = {
    connecting: "connecting",
    live: "live",
    paused: "paused while hidden",
    reconnecting: readAt ? `reconnecting, state of ${clock(readAt + (now() - Date.now()))}` : "reconnecting",
  };
  const troubled = name === "reconnecting" && !ready;
  mark(byId("live"), "state", troubled ? "trouble" : name);
  mark(document.body, "live", name);
  say(byId("live-text"), troubled ? "hub not ready" : texts[name]);
  byId("live").title = retryAt ? `next try at ${clock(retryAt)}` : "";
}

const live = new Live("/api/events", ["queue", "beacon"], {
  opened: () => {
    countedAt = -Infinity;
    return read();
  },
  happened,
  reset: () => {
    board.forget();
    reread();
  },
  state,
});

function choose(bucket) {
  board.bucket = bucket;
  document.body.dataset.bucket = bucket;
  say(byId("items-name"), bucket ? label(bucket) : "Last items");
  show(byId("items-all"), Boolean(bucket));
  repaint();
  // A reading on its way is of the list as it was.
  Promise.resolve(reading).then(reread);
}

const bucketOf = (address) => new URLSearchParams(address.search).get("bucket") ?? "";
const plain = (event) => event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

document.addEventListener("click", (event) => {
  if (!plain(event) || !(event.target instanceof Element)) return;
  if (event.target.closest(".skip")) {
    // Without a place in the history: going back must not come here.
    event.preventDefault();
    byId("command").focus();
    return;
  }
  const bucket = event.target.closest(".bucket, #items-all");
  const row = event.target.closest("#items tbody tr");
  if (bucket) {
    event.preventDefault();
    history.pushState(null, "", bucket.getAttribute("href"));
    choose(bucketOf(new URL(bucket.href)));
  } else if (row && getSelection().isCollapsed) {
    event.preventDefault();
    drawer.open(row.dataset.key, row.querySelector("a"));
  }
});

window.addEventListener("popstate", () => {
  if (bucketOf(location) !== board.bucket) choose(bucketOf(location));
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "Escape" && drawer.hash !== null) {
    event.preventDefault();
    drawer.close();
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    byId("command").focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    walk(event);
  }
});

/** Up and down go from item to item. */
function walk(event) {
  const row = event.target.closest?.("#items tbody tr");
  const next = row && (event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling);
  if (!row) return;
  event.preventDefault();
  next?.querySelector("a").focus();
}

setInterval(() => {
  if (document.hidden) return;
  if (board.loaded) tick(board);
  commands.tick();
  drawer.tick();
}, 1_000);

holdStill(repaint);
live.connect();
drawer.follow();
