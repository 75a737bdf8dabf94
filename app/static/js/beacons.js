// The beacons' page: who is there, what each holds, what they can do, who could reach whom.

import { arrange, attribute, byId, make, mark, part, pill, say, show } from "./dom.js";
import { contact, label, short, span } from "./format.js";
import { Frame } from "./frame.js";
import { get, order } from "./http.js";
import { done } from "./notice.js";
import { painter } from "./paint.js";

const MOST_BEACONS = 1_000, SHOWN_IN_HAND = 4;
// What holds where neither the sender nor an operator has said anything.
const HOUSE = { TimeoutMs: 300_000, MaxAttempts: 1, RetryBackoffMs: 5_000, DefaultPriority: 0 };
const FIELDS = { TimeoutMs: "timeout", MaxAttempts: "tries", RetryBackoffMs: "backoff", DefaultPriority: "priority" };

let beacons = new Map(), reach = null, actions = new Map(), defaults = new Map();
// What the matrix's words mean to people.
const REACH = { reachable: "reachable", unreachable: "not reachable", untested: "not tried", "no-listener": "announces no address" };
let trying = false;
const keyOf = (capability, action) => JSON.stringify([capability, action]);

async function read() {
  const [all, matrix, { Actions }, { ActionDefaults }] = await Promise.all([
    get(`/Beacon?limit=${MOST_BEACONS}`), get("/Beacon/Reachability"), get("/Beacon/Actions"), get("/Beacon/ActionDefaults"),
  ]);
  beacons = new Map(all.map((beacon) => [beacon.BeaconID, beacon]));
  reach = matrix;
  defaults = new Map(ActionDefaults.map((one) => [keyOf(one.Capability, one.Action), one]));
  actions = new Map([...catalog(all, Actions), ...ActionDefaults.map((one) => [keyOf(one.Capability, one.Action), one])]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key]) => [key, Actions.find((action) => keyOf(action.Capability, action.Action) === key)]));
  repaint();
}

/** Actions that are described, and capabilities of which nobody has described any. */
function catalog(all, described) {
  const bare = new Set(all.flatMap((beacon) => beacon.Capabilities).filter((name) => !described.some((action) => action.Capability === name)));
  return [...described.map((action) => [keyOf(action.Capability, action.Action)]), ...[...bare].map((name) => [keyOf(name, "")])];
}

const repaint = painter(200, () => {
  if (!reach) return;
  const all = [...beacons.values()], there = all.filter((beacon) => beacon.Status !== "Offline");
  const slots = there.reduce((sum, beacon) => sum + beacon.MaxConcurrent, 0), used = there.reduce((sum, beacon) => sum + beacon.CurrentWorkItems.length, 0);
  say(byId("beacons-of"), all.length ? `${there.length} of ${all.length} online, ${used} of ${slots} slots in use` : "");
  const connected = new Map(reach.Beacons.map((beacon) => [beacon.BeaconID, beacon]));
  const order = all.sort((one, other) => (one.Name < other.Name ? -1 : 1)).map((beacon) => beacon.BeaconID);
  arrange(byId("beacons").tBodies[0], order, "blank-beacon", (row, id) => fillBeacon(row, beacons.get(id), connected.get(id)));
  show(byId("beacons"), all.length > 0);
  show(byId("no-beacons"), all.length === 0);
  say(byId("no-beacons-text"), "No beacon has registered.");
  show(byId("no-beacons-start"), all.length === 0);
  arrange(byId("actions").tBodies[0], [...actions.keys()], "blank-action", (row, key) => fillAction(row, key));
  show(byId("actions"), actions.size > 0);
  show(byId("no-actions"), actions.size === 0);
  say(byId("no-actions"), "No beacon has told what it can do.");
  paintReach();
});

function fillBeacon(row, beacon, link) {
  const held = beacon.CurrentWorkItems, paused = Boolean(beacon.PausedAt);
  say(part(row, "name"), beacon.Name);
  attribute(part(row, "name"), "title", beacon.BeaconID);
  say(part(row, "host"), beacon.HostID ?? "");
  const late = beacon.Liveness === "Suspect";
  pill(part(row, "pill"), late ? "late" : beacon.Status, late ? "Late" : label(beacon.Status));
  say(part(row, "paused"), paused ? (held.length ? `paused, drains ${held.length}` : "paused, drained") : "");
  say(part(row, "slots"), `${held.length} of ${beacon.MaxConcurrent}`);
  const meter = part(row, "meter");
  Object.assign(meter, { max: beacon.MaxConcurrent, value: Math.min(held.length, beacon.MaxConcurrent) });
  attribute(meter, "aria-label", `Slots of ${beacon.Name} in use`);
  say(part(row, "can"), beacon.Capabilities.join(" · "));
  say(part(row, "way"), link?.WSConnected ? "WebSocket" : beacon.Status === "Offline" ? "–" : "polling");
  say(part(row, "contact"), contact(beacon));
  attribute(part(row, "contact"), "title", beacon.LastHeartbeat);
  const hashes = held.slice(0, SHOWN_IN_HAND), hand = part(row, "hand");
  if (hand.dataset.held !== held.join()) {
    const links = hashes.map((hash) => make("a", { href: `/items/${encodeURIComponent(hash)}`, title: hash }, make("code", { textContent: short(hash) })));
    const all = make("a", { href: `/queue?beacon=${encodeURIComponent(beacon.BeaconID)}`, textContent: held.length > hashes.length ? `all ${held.length}` : "all" });
    hand.replaceChildren(...links, ...(links.length ? [all] : [make("span", { className: "of", textContent: "nothing" })]));
    mark(hand, "held", held.join());
  }
  const pause = part(row, "pause");
  say(pause, paused ? "Resume" : "Pause");
  attribute(pause, "aria-label", `${paused ? "Resume" : "Pause"} ${beacon.Name}`);
  attribute(pause, "title", paused ? "Give it work again" : "Give it no new work; what it holds it may end");
  attribute(part(row, "remove"), "aria-label", `Remove ${beacon.Name}`);
}

function fillAction(row, key) {
  const [capability, action] = JSON.parse(key), described = actions.get(key), own = defaults.get(key), wide = defaults.get(keyOf(capability, ""));
  say(part(row, "name"), action ? `${capability} · ${action}` : `${capability} · any action`);
  say(part(row, "about"), described?.Description ?? "");
  const able = [...beacons.values()].filter((beacon) => (described ? described.SourceBeacons.includes(beacon.BeaconID) : beacon.Capabilities.includes(capability)));
  say(part(row, "taken"), able.map((beacon) => beacon.Name).join(", ") || "nobody");
  for (const [field, name] of Object.entries(FIELDS)) {
    const value = own?.[field] ?? wide?.[field] ?? HOUSE[field];
    const words = field.endsWith("Ms") ? (field === "TimeoutMs" && !value ? "none" : span(value)) : String(value);
    say(part(row, name), words);
    part(row, name).classList.toggle("is-own", (own?.[field] ?? null) !== null);
  }
  attribute(part(row, "edit"), "aria-label", `Defaults of ${capability} ${action || "any action"}`);
}

function paintReach() {
  const names = new Map(reach.Beacons.map((beacon) => [beacon.BeaconID, beacon.Name]));
  const ids = [...new Set(Object.values(reach.Matrix).map((pair) => pair.SourceBeaconID))].sort((one, other) => (names.get(one) < names.get(other) ? -1 : 1));
  show(byId("no-reach"), ids.length === 0);
  say(byId("no-reach"), "It takes two beacons.");
  say(byId("reach-of"), ids.length && ids.length < names.size ? `the ${ids.length} heard of last` : "");
  const listening = reach.Beacons.filter((beacon) => beacon.HasListener), busy = trying || listening.some((beacon) => beacon.Probe.UnderWay);
  show(byId("probe"), listening.length > 0);
  byId("probe").disabled = busy;
  say(byId("probe"), busy ? "Trying …" : "Try now");
  const state = JSON.stringify([ids.map((id) => names.get(id)), Object.values(reach.Matrix).map((pair) => [pair.Status, pair.LastProbed, pair.Detail])]);
  if (byId("reach").dataset.state === state) return;
  mark(byId("reach"), "state", state);
  const head = make("tr", {}, make("td"), ...ids.map((id) => make("th", { scope: "col", textContent: names.get(id), title: id })));
  const rows = ids.map((from) => make("tr", {}, make("th", { scope: "row", textContent: names.get(from), title: names.get(from) }), ...ids.map((to) => cell(from, to, names))));
  byId("reach").replaceChildren(...(ids.length ? [make("table", { className: "reach" }, make("thead", {}, head), make("tbody", {}, ...rows))] : []));
}

function cell(from, to, names) {
  const pair = reach.Matrix[`${from}::${to}`];
  if (!pair) return make("td", { ariaLabel: "itself" });
  const words = REACH[pair.Status] ?? pair.Status, told = [pair.ProbeURL, pair.Detail].filter(Boolean).join(" ");
  const dot = make("span", { className: "reach-mark", title: `${names.get(from)} to ${names.get(to)}: ${words}. ${told}` });
  mark(dot, "reach", pair.Status);
  return make("td", {}, dot, make("span", { className: "unseen", textContent: `${words}. ${told}` }));
}

/** Have all that listen be tried now. The answer is the matrix when that is over. */
async function probe() {
  trying = true;
  repaint();
  const told = await done(order("/Beacon/Reachability/Probe"), tried);
  trying = false;
  reach = told ?? reach;
  repaint();
}

function tried({ Asked, Beacons }) {
  const all = Beacons.filter((beacon) => Asked.includes(beacon.BeaconID)), deaf = all.filter((beacon) => beacon.Probe.Status !== "reachable");
  const first = deaf.length ? ` ${deaf[0].Name}: ${deaf[0].Probe.Detail ?? "no result yet"}` : "";
  return `${all.length - deaf.length} of ${all.length} answered.${first}`;
}

function asked(dialog) {
  const from = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((closed) =>
    dialog.addEventListener("close", () => {
      if (from?.isConnected) from.focus();
      closed(dialog.returnValue);
    }, { once: true }),
  );
}

async function remove(beacon) {
  const held = beacon.CurrentWorkItems.length;
  say(byId("remove-title"), `Remove ${beacon.Name}?`);
  say(byId("remove-what"), held ? `It holds ${held} items; they go back to the queue. To let it end them first, pause it and wait until it is drained.` : "It holds nothing. If it is still running, it will register again.");
  if ((await asked(byId("remove"))) !== "yes") return;
  await done(order(`/Beacon/${encodeURIComponent(beacon.BeaconID)}`, {}, "DELETE"), `${beacon.Name} is gone; what it held waits again.`);
  byId("beacons-title").focus();
}

async function pause(beacon) {
  const paused = Boolean(beacon.PausedAt), path = `/Beacon/${encodeURIComponent(beacon.BeaconID)}/${paused ? "Resume" : "Pause"}`;
  await done(order(path), ({ Drained }) => (paused ? `${beacon.Name} gets work again.` : `${beacon.Name} gets no new work${Drained ? " and holds nothing" : "; what it holds it may end"}.`));
}

async function edit(key) {
  const dialog = byId("defaults"), form = dialog.querySelector("form"), [capability, action] = key ? JSON.parse(key) : ["", ""], own = defaults.get(key);
  for (const [name, value] of Object.entries({ Capability: capability, Action: action })) Object.assign(form.elements[name], { value, readOnly: Boolean(key) });
  for (const name of Object.keys(FIELDS)) form.elements[name].value = own?.[name] ?? "";
  show(byId("defaults-forget"), Boolean(own));
  const answer = await asked(dialog);
  const named = { Capability: form.elements.Capability.value, Action: form.elements.Action.value };
  if (answer === "forget") await done(order("/Beacon/ActionDefaults", named, "DELETE"), "Forgotten.");
  if (answer !== "yes") return;
  const said = Object.keys(FIELDS).filter((name) => form.elements[name].value !== "").map((name) => [name, Number(form.elements[name].value)]);
  // What this form does not ask about stays as it is.
  const rest = own ? { ExpectedWaitP95Ms: own.ExpectedWaitP95Ms, HeartbeatExpectedMs: own.HeartbeatExpectedMs, MinSamplesForBaseline: own.MinSamplesForBaseline } : {};
  await done(order("/Beacon/ActionDefaults", { ...named, ...rest, ...Object.fromEntries(said) }, "PUT"), "Saved. It holds for items that are stored from now on.");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button"), row = button?.closest("tr"), act = button?.dataset.f;
  if (button?.id === "new-defaults") await edit("");
  else if (button?.id === "probe") await probe();
  else if (act === "edit") await edit(row.dataset.key);
  else if (act === "pause") await pause(beacons.get(row.dataset.key));
  else if (act === "remove") await remove(beacons.get(row.dataset.key));
  else return;
  frame.reread();
});

const frame = new Frame({ read, happened: (event) => event.Topic !== "queue.progress" });
frame.start();
setInterval(() => document.hidden || repaint(), 1_000);
