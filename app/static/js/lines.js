// The list of items of the queue, line by line.

import { age, attempt, between, count, label, note, now, short, span, tookMs, waitMs, work } from "./format.js";
import { arrange, attribute, byId, mark, part, pill, say, show } from "./dom.js";
import { FINAL } from "./board.js";
import { MOST } from "./shelf.js";

/** Paint the list. `picked` are the chosen hashes, `current` is where the keyboard stands, `open` is what the drawer shows. */
export function paintLines(shelf, { picked, current, open, nameOf, filter, looking }) {
  const body = byId("items").tBodies[0];
  const here = shelf.items.has(current) ? current : shelf.order[0];
  arrange(body, shelf.order, "blank-item", (row, hash) => fill(row, shelf.items.get(hash), { picked, here, open, nameOf, filter }));
  show(byId("items"), shelf.order.length > 0);
  show(byId("loading"), !shelf.loaded);
  show(byId("no-items"), shelf.loaded && !looking && shelf.order.length === 0);
  say(byId("no-items"), filter.narrow ? "Nothing in the queue matches." : "No work has been asked for yet.");
  say(byId("items-of"), shelf.loaded ? `${count(shelf.order.length)}${shelf.next ? " shown, there are more" : " in all"}` : "");
  show(byId("newer"), shelf.fresh.length > 0);
  say(byId("newer"), `${shelf.fresh.length} newer: show`);
  show(byId("more"), shelf.loaded && shelf.next !== null);
  const anew = shelf.order.length >= MOST;
  say(byId("more"), looking ? "Looking …" : shelf.looked ? "Look further" : anew ? "Go on from here" : "Show more");
  byId("more").disabled = looking;
  say(byId("more-of"), shelf.looked ? `${count(shelf.looked)} further items looked through` : "");
  const all = byId("all");
  all.checked = picked.size > 0 && shelf.order.every((hash) => picked.has(hash));
  all.indeterminate = picked.size > 0 && !all.checked;
}

function fill(row, item, { picked, here, open, nameOf, filter }) {
  const hash = item.WorkItemHash, chosen = picked.has(hash), percent = item.Status === "Running" ? item.Progress?.Percent : null;
  mark(row, "picked", String(chosen));
  mark(row, "open", String(hash === open));
  mark(row, "left", String(!filter.admits(item.Status)));
  const pick = part(row, "pick");
  if (pick.checked !== chosen) pick.checked = chosen;
  attribute(pick, "aria-label", `Choose ${short(hash)}`);
  pill(part(row, "pill"), item.Status, typeof percent === "number" ? `${Math.round(percent)} %` : label(item.Status));
  say(part(row, "work"), work(item));
  say(part(row, "preview"), item.Preview);
  say(part(row, "note"), item.CancelRequested && !FINAL.has(item.Status) ? "asked to cancel" : note(item));
  const link = part(row, "link");
  attribute(link, "href", `/items/${encodeURIComponent(hash)}`);
  attribute(link, "tabindex", hash === here ? "0" : "-1");
  say(part(row, "short"), short(hash));
  attribute(part(row, "short"), "title", hash);
  const beacon = nameOf(item.AssignedBeaconID);
  say(part(row, "beacon"), beacon);
  attribute(part(row, "beacon"), "title", beacon);
  say(part(row, "priority"), item.Priority ? String(item.Priority) : "");
  say(part(row, "attempt"), attempt(item));
  attribute(part(row, "age"), "title", item.EnqueuedAt);
  fillTimes(row, item);
}

function fillTimes(row, item) {
  say(part(row, "wait"), span(waitMs(item)));
  say(part(row, "took"), span(tookMs(item)));
  say(part(row, "age"), age(between(item.EnqueuedAt, now())));
}

/** Once a second: the times of what has not ended, and all ages. */
export function tickLines(shelf) {
  for (const row of byId("items").tBodies[0].children) {
    const item = shelf.items.get(row.dataset.key);
    if (item) fillTimes(row, item);
  }
}
