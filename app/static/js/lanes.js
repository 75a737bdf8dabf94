// How many items stand where: the states above the list, and a lane for each capability and action beside it.

import { arrange, attribute, byId, mark, part, say, show } from "./dom.js";
import { count } from "./format.js";
import { order } from "./http.js";
import { done } from "./notice.js";

const QUEUED = ["Delayed", "Pending", "RetryScheduled"];
const queuedIn = (statuses) => QUEUED.reduce((sum, status) => sum + statuses[status], 0);
const keyOf = ({ Capability, Action }) => JSON.stringify([Capability, Action]);

/** `told` is the answer of /api/lanes; `filter` knows which lane is looked at. */
export function paintLanes({ Statuses, Buckets, Lanes, MoreLanes }, filter) {
  for (const state of byId("states").children) {
    const number = Buckets[state.dataset.bucket];
    say(part(state, "count"), count(number));
    mark(state, "zero", String(!number));
    for (const kind of state.querySelectorAll(".state-kinds a")) {
      say(kind.querySelector(".n"), count(Statuses[kind.dataset.status]));
      mark(kind, "zero", String(!Statuses[kind.dataset.status]));
    }
  }
  const lanes = new Map(Lanes.map((lane) => [keyOf(lane), lane]));
  const most = Math.max(1, ...Lanes.map(({ Statuses: of }) => queuedIn(of) + of.Running + of.Stalled));
  arrange(byId("lanes"), [...lanes.keys()], "blank-lane", (row, key) => fill(row, lanes.get(key), most, filter));
  say(byId("lanes-of"), MoreLanes ? `${Lanes.length}, and ${MoreLanes} more` : "");
  show(byId("no-lanes"), Lanes.length === 0);
  say(byId("no-lanes"), "No work has been asked for yet.");
}

function fill(row, lane, most, filter) {
  const { Capability, Action, Paused, Statuses: of } = lane;
  const chosen = filter.wanted.capability === Capability && filter.wanted.action === Action;
  const name = part(row, "name");
  say(name, `${Capability} · ${Action}`);
  attribute(name, "title", `${Capability} · ${Action}`);
  attribute(name, "href", chosen ? "/queue" : `/queue?${new URLSearchParams({ capability: Capability, action: Action })}`);
  if (chosen) attribute(name, "aria-current", "true");
  else name.removeAttribute("aria-current");
  const parts = [[queuedIn(of), "queued"], [of.Running, "running"], [of.Stalled, "stalled"], [of.Error, "failed"]];
  const said = parts.filter(([number]) => number).map(([number, word]) => `${count(number)} ${word}`);
  say(part(row, "counts"), `${Paused ? "paused · " : ""}${said.join(" · ") || "nothing waits, nothing runs"}`);
  for (const [place, number] of [["queued", queuedIn(of)], ["running", of.Running], ["stalled", of.Stalled]]) {
    part(row, place).style.width = `${(100 * number) / most}%`;
  }
  mark(row, "paused", String(Paused));
  const pause = part(row, "pause");
  say(pause, Paused ? "Resume" : "Pause");
  attribute(pause, "aria-label", `${Paused ? "Resume" : "Pause"} capability ${Capability}`);
  attribute(pause, "title", Paused ? "Let its items go again" : `Keep all items of ${Capability} in the queue; those under way go on`);
}

/** Pause or resume the capability of a row. Returns the outcome, null when it was refused. */
export function togglePause(row) {
  const [capability] = JSON.parse(row.dataset.key), paused = row.dataset.paused === "true";
  const path = `/Beacon/Capability/${encodeURIComponent(capability)}/${paused ? "Resume" : "Pause"}`;
  return done(order(path), paused ? `${capability} goes on.` : `${capability} is paused: its items stay in the queue, those under way go on.`);
}
