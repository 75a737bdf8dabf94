// How long what has ended is kept over there.

import { byId, say } from "./dom.js";
import { count } from "./format.js";
import { order } from "./http.js";
import { done } from "./notice.js";
import { answered } from "./picker.js";

const SWEEP = "/Ultravisor/Persistence/Retention/Sweep";
const form = () => byId("retention");
let shown = "";

/** Paint what is stored, unless somebody is changing it. */
export function showRetention(stored) {
  const text = JSON.stringify(stored);
  if (text === shown) return;
  shown = text;
  form().days.value = stored.RetentionDays;
  form().canceled.value = stored.CancelledRetentionDays;
  form().hold.checked = stored.LegalHold;
}

const words = (told) => (told.LegalHold ? "On hold: nothing goes." : `${count(told.Items)} items and ${count(told.Manifests)} runs`);

async function counted() {
  const told = await done(order(SWEEP, { DryRun: true }), (answer) => `${words(answer)} have been kept long enough.`);
  if (told) say(byId("retention-told"), told.LegalHold ? words(told) : `${words(told)} would be deleted, with all that belongs to them.`);
  return told;
}

async function sweep() {
  const told = await counted();
  if (!told || told.LegalHold) return;
  say(byId("sweeping-text"), `${words(told)} go from that database, with their events and attempts. The hub keeps its own.`);
  if ((await answered("sweeping")) !== "delete") return byId("sweep").focus();
  await done(order(SWEEP, { DryRun: false }), (answer) => `Deleted: ${words(answer)}.`);
  return byId("sweep").focus();
}

/** `changed`: something has been changed, read again. */
export function retention(changed) {
  form().addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { RetentionDays: form().days.valueAsNumber, CancelledRetentionDays: form().canceled.valueAsNumber, LegalHold: form().hold.checked };
    await done(order("/Ultravisor/Persistence/Retention", body, "PUT"), "Saved.");
    changed();
  });
  byId("dry").addEventListener("click", counted);
  byId("sweep").addEventListener("click", async () => {
    await sweep();
    changed();
  });
}
