// The home page: what the server has painted is taken over and kept true.

import { Board, NEWEST } from "./board.js";
import { Commands } from "./command.js";
import { byId, say, show } from "./dom.js";
import { Drawer } from "./drawer.js";
import { label } from "./format.js";
import { Frame, plain, typing } from "./frame.js";
import { get } from "./http.js";
import { holdStill, paint, painter, tick } from "./paint.js";

// Five paints a second are live to the eye, whatever comes in.
const PAINT_MS = 200;
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

async function read() {
  const bucket = board.bucket;
  const beacons = get(`/Beacon?limit=${MOST_BEACONS}`).then((value) => ({ value }), (error) => ({ error }));
  const queue = await get(`/Beacon/Queue?limit=${NEWEST}${bucket ? `&bucket=${bucket}` : ""}`);
  const { value, error } = await beacons;
  if (bucket === board.bucket) board.load(queue, value ?? null);
  repaint();
  commands.check();
  // What was read is shown, and what was not is said.
  if (error) throw error;
}

function happened(event) {
  const hash = board.loaded ? board.apply(event) : event.Payload.WorkItemHash;
  if (hash) {
    commands.heard(hash, board.status(hash) ?? event.Payload.Status);
    drawer.heard(hash);
    repaint();
  }
  // How far an item is stands in the event; all else may have more to it than events tell.
  return event.Topic !== "queue.progress";
}

const frame = new Frame({ read, happened, reset: () => board.forget() });

function choose(bucket) {
  board.bucket = bucket;
  document.body.dataset.bucket = bucket;
  say(byId("items-name"), bucket ? label(bucket) : "Last items");
  show(byId("items-all"), Boolean(bucket));
  repaint();
  frame.again();
}

const bucketOf = (address) => new URLSearchParams(address.search).get("bucket") ?? "";

document.addEventListener("click", (event) => {
  if (!plain(event) || !(event.target instanceof Element)) return;
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
  if (event.key === "Escape" && drawer.hash !== null) {
    event.preventDefault();
    drawer.close();
  } else if (event.key === "/" && !typing(event) && !event.ctrlKey && !event.metaKey && !event.altKey) {
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
frame.start();
drawer.follow();
