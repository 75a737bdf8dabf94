// The choice of a database: which databeacon, which of its connections, or one that is made on the spot.

import { byId, make, say, show } from "./dom.js";
import { get, order } from "./http.js";

let connections = [], schemas = null;

/** Open a dialog; returns the value of the button that closed it, empty for none. */
export async function answered(id) {
  const dialog = byId(id);
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  return dialog.returnValue;
}

/** What has been chosen, null for nothing. `told`: the persistence as it is now. */
export async function choose(told) {
  const beacons = (await get("/api/lab/beacons")).Records;
  const options = beacons.map((one) => make("option", { value: one.IDBeacon, textContent: one.Name, selected: one.IDBeacon === told.IDPersistenceBeacon }));
  byId("beacon").replaceChildren(...options);
  await offer(told.IDPersistenceConnection);
  const said = await answered("picker");
  if (said !== "save" || !byId("connection").value) return null;
  return { IDBeacon: Number(byId("beacon").value), IDBeaconConnection: Number(byId("connection").value) };
}

async function offer(chosen = 0) {
  connections = (await get(`/api/lab/beacons/${byId("beacon").value}/connections`)).Connections;
  const options = connections.map((one) => make("option", { value: one.IDBeaconConnection, textContent: `${one.Name} (${one.Type})`, selected: one.IDBeaconConnection === chosen }));
  byId("connection").replaceChildren(...options);
  describe();
}

function present() {
  return connections.find((one) => String(one.IDBeaconConnection) === byId("connection").value);
}

function describe() {
  const one = present();
  byId("picker-save").disabled = byId("connection-test").disabled = !one;
  say(byId("picker-note"), one ? `${one.Status}${one.Error ? `: ${one.Error}` : ""}` : "This databeacon has no connection yet.");
  const others = one?.UsedBy ?? [];
  say(byId("picker-warning"), others.length ? `Already used by ${others.join(", ")}. That is possible: each row carries the id of its hub.` : "");
  show(byId("picker-warning"), others.length > 0);
}

async function tryIt() {
  const one = present();
  say(byId("picker-note"), "Trying …");
  try {
    const told = await order(`/beacon/connection/${one.IDBeaconConnection}/test`);
    Object.assign(one, { Status: told.Status, Error: told.Error ?? "" });
  } catch (error) {
    Object.assign(one, { Status: "Failed", Error: error.message });
  }
  describe();
}

// A new connection.

async function openMaker() {
  schemas ??= (await get("/beacon/connection/schemas")).Schemas;
  byId("maker-type").replaceChildren(...schemas.map((one) => make("option", { value: one.Provider, textContent: one.DisplayName })));
  byId("maker-name").value = "";
  draw();
  byId("maker").showModal();
  byId("maker-name").focus();
}

function draw() {
  const schema = schemas.find((one) => one.Provider === byId("maker-type").value);
  say(byId("maker-about"), schema.Description);
  const basic = schema.Fields.filter((field) => field.Group !== "Advanced").flatMap(drawn);
  const advanced = schema.Fields.filter((field) => field.Group === "Advanced").flatMap(drawn);
  const more = advanced.length ? [make("details", {}, make("summary", { textContent: "More" }), ...advanced)] : [];
  byId("maker-fields").replaceChildren(...basic, ...more);
  said("", "");
}

const KINDS = { Number: "number", Password: "password", Boolean: "checkbox" };

function drawn(field) {
  const id = `maker-${field.Name}`, type = KINDS[field.Type] ?? "text";
  const input = make("input", { id, name: field.Name, type, required: Boolean(field.Required), placeholder: field.Placeholder ?? "", autocomplete: type === "password" ? "new-password" : "off" });
  if (field.Default !== undefined) input.value = field.Default;
  if (field.Min !== undefined) input.min = field.Min;
  if (field.Max !== undefined) input.max = field.Max;
  return [make("label", { htmlFor: id, textContent: field.Label }), input, field.Help ? make("p", { className: "about", textContent: field.Help }) : null].filter(Boolean);
}

/** What was filled in, null when something is missing. */
function filled() {
  const inputs = [...byId("maker-fields").querySelectorAll("input")], bad = [byId("maker-name"), ...inputs].find((input) => !input.checkValidity());
  if (bad) {
    said(`${bad.labels[0].textContent}: ${bad.validationMessage}`, "");
    bad.focus();
    return null;
  }
  const values = inputs.filter((input) => input.type === "checkbox" || input.value !== "");
  return Object.fromEntries(values.map((input) => [input.name, input.type === "number" ? Number(input.value) : input.type === "checkbox" ? input.checked : input.value]));
}

function said(bad, good) {
  say(byId("maker-error"), bad);
  say(byId("maker-told"), good);
}

/** Whether the database that is described can be had, said beside the fields. */
async function tryNew() {
  const config = filled();
  if (!config) return false;
  said("", "Trying …");
  try {
    const told = await order("/beacon/connection/test", { Type: byId("maker-type").value, Config: config });
    said(told.Success ? "" : told.Error, told.Success ? "It answers." : "");
    return told.Success;
  } catch (error) {
    said(error.message, "");
    return false;
  }
}

async function create() {
  const config = filled();
  if (!config) return;
  const beacon = byId("beacon").selectedOptions[0]?.textContent ?? "";
  const body = { Name: byId("maker-name").value.trim(), Type: byId("maker-type").value, Config: config, Databeacon: byId("beacon").value === "1" ? "" : beacon };
  byId("maker-save").disabled = true;
  try {
    const made = await order("/beacon/connection", body);
    byId("maker").close();
    await offer(made.Connection.IDBeaconConnection);
    await tryIt();
  } catch (error) {
    said(error.message, "");
  } finally {
    byId("maker-save").disabled = false;
  }
}

byId("beacon").addEventListener("change", () => offer());
byId("connection").addEventListener("change", describe);
byId("connection-test").addEventListener("click", tryIt);
byId("connection-new").addEventListener("click", openMaker);
byId("maker-type").addEventListener("change", draw);
byId("maker-test").addEventListener("click", tryNew);
byId("maker-cancel").addEventListener("click", () => byId("maker").close());
byId("maker").addEventListener("close", () => byId("connection-new").focus());
byId("maker-form").addEventListener("submit", (event) => {
  event.preventDefault();
  create();
});
