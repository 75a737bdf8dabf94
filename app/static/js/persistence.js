// The persistence of the hub: state, rows over there, the choice of a connection, and whether both sides are equal.

import { arrange, attribute, byId, mark, part, say, show } from "./dom.js";
import { clock, count, span } from "./format.js";
import { Frame } from "./frame.js";
import { get, order } from "./http.js";
import { done } from "./notice.js";
import { answered, choose } from "./picker.js";
import { Records } from "./records.js";
import { retention, showRetention } from "./retention.js";

// State -> what it means.
const STATES = {
  unassigned: "The rows of this hub are kept nowhere else.",
  "waiting-for-beacon": "No databeacon serves the connection yet, or its database does not answer. What changes waits in the hub, and nothing is lost.",
  bootstrapping: "The tables are made, and what is there already is copied.",
  bootstrapped: "Every item, event, attempt and run of this hub is a row in that database.",
  error: "The database answers, and refuses. It is tried again by itself.",
};
const HUB = "/api/lab/ultravisor-instances/1";
// While rows wait that no event tells of: the time that they have waited goes on.
const UNSTEADY_MS = 3_000;

let told = null, verified = {}, timer = 0;
const records = new Records();

async function read() {
  const [status, events] = await Promise.all([get(`${HUB}/persistence-status`), get("/Ultravisor/Persistence/Events")]);
  told = status.Persistence;
  paint(events.Events);
}

function paint(events) {
  state(byId("state"), told.State);
  attribute(byId("state"), "title", STATES[told.State]);
  say(byId("sentence"), STATES[told.State]);
  const chosen = told.ConnectionRecord;
  say(byId("where"), chosen ? `in ${chosen.Name} (${chosen.Type}), by the databeacon ${told.BeaconRecord?.Name ?? "–"}` : "");
  say(byId("error"), told.LastError ?? "");
  show(byId("error"), Boolean(told.LastError));
  say(byId("used-by"), told.UsedBy.length ? `Also used by ${told.UsedBy.join(", ")}: each row carries the id of its hub.` : "");
  show(byId("used-by"), told.UsedBy.length > 0);
  say(byId("since"), told.BootstrappedAt ? clock(Date.parse(told.BootstrappedAt)) : "–");
  paintRows();
  const assigned = told.State !== "unassigned";
  for (const id of ["verify", "clear", "retention-panel"]) show(byId(id), assigned);
  showRetention(told.Retention);
  const moves = new Map(events.map((one) => [one.EventGUID, one]));
  arrange(byId("events").tBodies[0], [...moves.keys()], "blank-event", (row, id) => fillEvent(row, moves.get(id)));
  show(byId("events"), moves.size > 0);
  show(byId("no-events"), moves.size === 0);
  clearTimeout(timer);
  const steady = !assigned || (told.State === "bootstrapped" && !told.LagRows);
  if (!steady) timer = setTimeout(() => (document.hidden ? undefined : frame.reread()), UNSTEADY_MS);
}

function state(element, word) {
  mark(element, "keep", word);
  say(element, word);
}

function paintRows() {
  const assigned = told.State !== "unassigned", lag = told.LagRows ?? 0;
  say(byId("lag"), !assigned ? "–" : lag ? `${count(lag)}${lag >= 10_000 ? "+" : ""} row${lag === 1 ? "" : "s"}` : "nothing");
  say(byId("lag-time"), !assigned ? "–" : lag ? span(told.LagSeconds * 1000) : "0 s");
  const names = Object.keys(told.Tables).sort();
  say(byId("total"), assigned ? count(names.reduce((sum, name) => sum + told.Tables[name], 0)) : "–");
  arrange(byId("tables").tBodies[0], names, "blank-table", (row, name) => {
    say(part(row, "name"), name);
    say(part(row, "rows"), count(told.Tables[name]));
    say(part(row, "verified"), verified[name] ?? "");
  });
  show(byId("tables"), names.length > 0);
  show(byId("rows-panel"), assigned && names.length > 0);
  if (assigned && names.length) records.offer(names, told.IDPersistenceConnection);
}

function fillEvent(row, move) {
  say(part(row, "at"), clock(Date.parse(move.At)));
  part(row, "at").dateTime = part(row, "at").title = move.At;
  state(part(row, "pill"), move.ToState);
  say(part(row, "actor"), move.Actor);
  say(part(row, "reason"), move.Reason || `${move.Happening}, connection ${move.IDBeaconConnection || "none"}`);
}

/** What arrives over there is told as it happens: nobody asks while all is steady. */
function happened(event) {
  if (event.Topic !== "persistence.progress" || !told) return true;
  if (event.Payload.IDBeaconConnection !== told.IDPersistenceConnection) return false;
  Object.assign(told, { Tables: event.Payload.Tables, LagRows: event.Payload.LagRows, LagSeconds: event.Payload.LagSeconds });
  paintRows();
  return false;
}

async function pick() {
  const wanted = await choose(told);
  if (wanted) {
    await done(order(`${HUB}/persistence-beacon`, wanted), "Assigned. What is there already is copied first.");
    verified = {};
    await frame.again();
  }
  byId("choose").focus();
}

async function clear() {
  if ((await answered("clearing")) !== "clear") return byId("clear").focus();
  await done(order(`${HUB}/persistence-beacon`, { IDBeacon: null }), "Cleared. What lies there stays.");
  verified = {};
  await frame.again();
  return byId("choose").focus();
}

async function verify() {
  byId("verify").disabled = true;
  say(byId("verify"), "Comparing …");
  try {
    const found = await get("/Ultravisor/Persistence/Verify", 65_000);
    verified = Object.fromEntries(Object.entries(found.Tables).map(([name, one]) => [name, verdict(one)]));
    say(byId("sentence"), found.Equal ? "Compared row by row: both sides are equal." : "Compared row by row: the sides differ, see the table.");
    paintRows();
  } catch (error) {
    say(byId("sentence"), error.message);
  } finally {
    byId("verify").disabled = false;
    say(byId("verify"), "Verify");
  }
}

function verdict(one) {
  const moving = one.InFlight ? `, ${count(one.InFlight)} on their way` : "";
  if (one.Equal) return `equal, ${count(one.Rows.Database)} of ${count(one.Rows.Hub)} rows, ${one.Checksum.Database.slice(0, 8)}${moving}`;
  const words = ["Missing", "Extra", "Different"].filter((word) => one[word].Count);
  return words.map((word) => `${word.toLowerCase()} ${count(one[word].Count)}: ${one[word].Keys.slice(0, 3).join(", ")}`).join("; ") + moving;
}

byId("choose").addEventListener("click", pick);
byId("clear").addEventListener("click", clear);
byId("verify").addEventListener("click", verify);
byId("tables").addEventListener("click", (event) => {
  const row = event.target.closest("button")?.closest("tr");
  if (row) records.open(row.dataset.key);
});

const frame = new Frame({ topics: ["persistence"], read, happened });
retention(() => frame.again());
frame.start();
