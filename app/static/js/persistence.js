// The persistence of the hub: state, rows over there, the choice of a connection, and whether both sides are equal.

import { arrange, attribute, byId, make, part, pill, say, show } from "./dom.js";
import { clock, count, span } from "./format.js";
import { Frame } from "./frame.js";
import { get, order } from "./http.js";
import { done } from "./notice.js";

// State -> colour of the pill, and what it means.
const STATES = {
  unassigned: ["Canceled", "The rows of this hub are kept nowhere else."],
  "waiting-for-beacon": ["Delayed", "No databeacon serves the connection yet, or its database does not answer. What changes waits in the hub."],
  bootstrapping: ["Running", "The tables are made, and what is there already is copied."],
  bootstrapped: ["Complete", "Every item, event, attempt and run of this hub is a row in that database."],
  error: ["Error", "The database answers, and refuses. It is tried again all the same."],
};
const HUB = "/api/lab/ultravisor-instances/1";

let told = null, verified = {};

async function read() {
  const [status, events] = await Promise.all([get(`${HUB}/persistence-status`), get("/Ultravisor/Persistence/Events")]);
  told = status.Persistence;
  paint(events.Events);
}

function paint(events) {
  const [colour, sentence] = STATES[told.State];
  pill(byId("state"), colour, told.State);
  attribute(byId("state"), "title", sentence);
  say(byId("sentence"), sentence);
  const chosen = told.ConnectionRecord;
  say(byId("where"), chosen ? `in ${chosen.Name} (${chosen.Type}), by the databeacon ${told.BeaconRecord?.Name ?? "–"}` : "");
  say(byId("error"), told.LastError ?? "");
  show(byId("error"), Boolean(told.LastError));
  say(byId("used-by"), told.UsedBy.length ? `Also used by ${told.UsedBy.join(", ")}: each row carries the id of its hub.` : "");
  show(byId("used-by"), told.UsedBy.length > 0);
  paintRows();
  const assigned = told.State !== "unassigned";
  show(byId("verify"), assigned);
  show(byId("clear"), assigned);
  const moves = new Map(events.map((one) => [one.EventGUID, one]));
  arrange(byId("events").tBodies[0], [...moves.keys()], "blank-event", (row, id) => fillEvent(row, moves.get(id)));
  show(byId("events"), moves.size > 0);
  show(byId("no-events"), moves.size === 0);
}

function paintRows() {
  const lag = told.LagRows === null ? "–" : told.LagRows === 0 ? "nothing" : `${count(told.LagRows)} rows${told.LagSeconds ? `, ${span(told.LagSeconds * 1000)}` : ""}`;
  say(byId("lag"), told.State === "unassigned" ? "–" : lag);
  const names = Object.keys(told.Tables).sort();
  arrange(byId("tables").tBodies[0], names, "blank-table", (row, name) => {
    say(part(row, "name"), name);
    say(part(row, "rows"), count(told.Tables[name]));
    say(part(row, "verified"), verified[name] ?? "");
  });
  show(byId("tables"), names.length > 0);
}

function fillEvent(row, move) {
  say(part(row, "at"), clock(Date.parse(move.At)));
  part(row, "at").dateTime = part(row, "at").title = move.At;
  pill(part(row, "pill"), STATES[move.ToState][0], move.ToState);
  say(part(row, "actor"), move.Actor);
  say(part(row, "reason"), move.Reason || `${move.Happening}, connection ${move.IDBeaconConnection || "none"}`);
}

/** What arrives over there is told as it happens: nobody asks while all is steady. */
function happened(event) {
  if (event.Topic !== "persistence.progress" || !told) return true;
  if (event.Payload.IDBeaconConnection !== told.IDPersistenceConnection) return false;
  told.Tables = event.Payload.Tables;
  told.LagRows = event.Payload.LagRows;
  told.LagSeconds = 0;
  paintRows();
  return false;
}

async function choose() {
  const beacons = (await get("/api/lab/beacons")).Records;
  byId("beacon").replaceChildren(...beacons.map((one) => make("option", { value: one.IDBeacon, textContent: one.Name, selected: one.IDBeacon === told.IDPersistenceBeacon })));
  await offer();
  const dialog = byId("picker");
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  if (dialog.returnValue !== "save" || !byId("connection").value) return byId("choose").focus();
  const wanted = { IDBeacon: Number(byId("beacon").value), IDBeaconConnection: Number(byId("connection").value) };
  await done(order(`${HUB}/persistence-beacon`, wanted), "Assigned. What is there already is copied first.");
  verified = {};
  return frame.reread();
}

async function offer() {
  const found = (await get(`/api/lab/beacons/${byId("beacon").value}/connections`)).Connections;
  byId("connection").replaceChildren(...found.map((one) => make("option", { value: one.IDBeaconConnection, textContent: `${one.Name} (${one.Type})`, selected: one.IDBeaconConnection === told.IDPersistenceConnection })));
  say(byId("picker-note"), found.length ? "" : "This databeacon has no connection yet.");
}

async function clear() {
  const dialog = byId("clearing");
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  if (dialog.returnValue !== "clear") return byId("clear").focus();
  await done(order(`${HUB}/persistence-beacon`, { IDBeacon: null }), "Cleared. What lies there stays.");
  verified = {};
  return frame.reread();
}

async function verify() {
  byId("verify").disabled = true;
  say(byId("verify"), "Comparing …");
  try {
    const found = await get("/Ultravisor/Persistence/Verify");
    verified = Object.fromEntries(Object.entries(found.Tables).map(([name, part]) => [name, verdict(part)]));
    say(byId("sentence"), found.Equal ? "Compared row by row: both sides are equal." : "Compared row by row: the sides differ, see the table.");
    paintRows();
  } catch (error) {
    say(byId("sentence"), error.message);
  } finally {
    byId("verify").disabled = false;
    say(byId("verify"), "Verify");
  }
}

function verdict(part) {
  const moving = part.InFlight ? `, ${count(part.InFlight)} on their way` : "";
  if (part.Equal) return `equal, ${count(part.Rows.Database)} of ${count(part.Rows.Hub)} rows, ${part.Checksum.Database.slice(0, 8)}${moving}`;
  return ["Missing", "Extra", "Different"].filter((word) => part[word].Count).map((word) => `${word.toLowerCase()} ${count(part[word].Count)}: ${part[word].Keys.slice(0, 3).join(", ")}`).join("; ") + moving;
}

byId("choose").addEventListener("click", choose);
byId("beacon").addEventListener("change", offer);
byId("clear").addEventListener("click", clear);
byId("verify").addEventListener("click", verify);

const frame = new Frame({ topics: ["persistence"], read, happened });
frame.start();
