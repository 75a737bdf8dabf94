// A schedule that is made or changed, in a dialog. When it would be due is shown while somebody types, and what is wrong stands beside its field.

import { objectIn, objection } from "./asking.js";
import { attribute, byId, make, say, show } from "./dom.js";
import { Refused, freshKey, get, order, post } from "./http.js";
import { momentLines } from "./schedule-past.js";
import { HERE, UNITS, parted, wallTime } from "./schedule-words.js";

const TYPING_MS = 250, OFFERED = 50, NEXT = 10;
const KINDS = {
  cron: "Minute, hour, day, month, day of the week; or six fields, with seconds first. * is each, */5 every fifth, 1-5 a range.",
  interval: "Counted from the moment at which it is saved.",
  hourly: "At each full hour.",
  daily: "At midnight of the zone.",
  once: "One run; after that it is due no more.",
};
const MISSED = {
  once: "Moments at which the hub was away for more than a minute get one run together: that of the last one.",
  skip: "Moments at which the hub was away for more than a minute are noted as missed, and get no run.",
  all: "Each moment gets its run, however late the hub comes to it.",
};
const OVERLAP = {
  queue: "What is due waits until the run before it has ended; 1000 at most wait, further ones are skipped.",
  skip: "What is due is noted as skipped; the run under way goes on.",
  replace: "The run under way is abandoned, and the next one begins.",
};
/** Where an error of the hub belongs; that of Parameters belongs to the field of the kind. */
const PLACES = { Hash: "s-operation", TimeZone: "s-zone", Settings: "s-settings" }, PARAMETERS = { cron: "s-cron", interval: "s-every", once: "s-at" };
const TIMED = new Set(["ScheduleType", "Cron", "Every", "Unit", "At", "TimeZone"]);

const dialog = byId("schedule"), form = byId("schedule-form"), fields = form.elements;

export class ScheduleForm {
  #changed = null;
  #before = "";
  #timers = { offer: 0, preview: 0 };
  #asked = 0;
  #offered = new Map();
  #saved = null;

  constructor() {
    const zones = new Set(["UTC", HERE, ...(Intl.supportedValuesOf?.("timeZone") ?? [])]);
    byId("s-zones").append(...[...zones].map((value) => make("option", { value })));
    form.addEventListener("input", (event) => this.#typed(event.target));
    fields.Hash.addEventListener("change", () => this.#takeName());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    byId("s-leave").addEventListener("click", () => dialog.close());
  }

  /** What was saved; null when it was left. */
  make(operation) {
    say(byId("schedule-title"), "New schedule");
    const fresh = { Hash: operation, ScheduleType: "cron", TimeZone: HERE, MissedRuns: "once", Overlap: "queue", RunMode: "standard" };
    return this.#open(null, fresh, operation ? fields.Cron : fields.Hash);
  }

  change(one) {
    say(byId("schedule-title"), `Change the schedule of ${one.OperationName || one.TargetHash}`);
    const filled = { ...one, Hash: one.TargetHash };
    if (one.ScheduleType === "cron") filled.Cron = one.CronExpression;
    // With an offset it is a moment, which is somewhere on the clock of the zone.
    if (one.ScheduleType === "once") filled.At = /(Z|[+-]\d\d:?\d\d)$/.test(one.Parameters) ? wallTime(one.Parameters, one.TimeZone) : one.Parameters;
    if (one.ScheduleType === "interval") [filled.Every, filled.Unit] = parted(one.Parameters.IntervalMs);
    return this.#open(one, filled, fields.ScheduleType);
  }

  #open(one, filled, first) {
    const from = document.activeElement;
    form.reset();
    [this.#changed, this.#saved] = [one, null];
    for (const name of ["Hash", "ScheduleType", "Cron", "Every", "Unit", "At", "TimeZone", "MissedRuns", "Overlap", "RunMode"]) if (filled[name] !== undefined) fields[name].value = filled[name];
    fields.Settings.value = JSON.stringify(filled.Settings ?? {}, null, 2);
    this.#before = JSON.stringify(timing());
    for (const place of [...Object.values(PLACES), ...Object.values(PARAMETERS), "s"]) wrong(place, "");
    this.#explain();
    this.#offer();
    this.#preview();
    dialog.showModal();
    first.focus();
    return new Promise((closed) =>
      dialog.addEventListener("close", () => {
        this.#asked += 1;
        if (from?.isConnected) from.focus();
        closed(this.#saved);
      }, { once: true }),
    );
  }

  #typed(field) {
    this.#explain();
    if (field === fields.Hash) wrong("s-operation", "");
    if (field === fields.Settings) wrong("s-settings", objection(fields.Settings.value));
    if (field !== fields.Hash && !TIMED.has(field.name)) return;
    const what = field === fields.Hash ? "offer" : "preview";
    clearTimeout(this.#timers[what]);
    this.#timers[what] = setTimeout(() => (what === "offer" ? this.#offer() : this.#preview()), TYPING_MS);
  }

  #explain() {
    const kind = fields.ScheduleType.value;
    for (const field of form.querySelectorAll("[data-for]")) show(field, field.dataset.for === kind);
    say(byId("s-kind-about"), KINDS[kind]);
    say(byId("s-missed-about"), MISSED[fields.MissedRuns.value]);
    say(byId("s-overlap-about"), OVERLAP[fields.Overlap.value]);
  }

  /** Offer operations that hold what is typed, and say the name of the one that is chosen. */
  async #offer() {
    const text = fields.Hash.value.trim();
    try {
      const { Operations } = await get(`/api/operations?${new URLSearchParams({ limit: OFFERED, text })}`);
      if (text !== fields.Hash.value.trim()) return;
      this.#offered = new Map(Operations.map((one) => [one.Hash, one.Name]));
      byId("s-operations").replaceChildren(...Operations.map((one) => make("option", { value: one.Hash, textContent: one.Name })));
      say(byId("s-operation-name"), this.#offered.get(text) ?? (text && !Operations.length ? "No operation holds this." : ""));
    } catch {
      // Nothing is offered; what is typed is judged when it is saved.
    }
  }

  /** Who types the whole name of an operation means that one. */
  #takeName() {
    const text = fields.Hash.value.trim(), found = [...this.#offered].filter(([, name]) => name === text);
    if (this.#offered.has(text) || found.length !== 1) return;
    [[fields.Hash.value]] = found;
    this.#offer();
  }

  /** Show when it would be due. What stays as it is goes on counting from where it began. */
  async #preview() {
    const said = timing(), place = PARAMETERS[said.ScheduleType] ?? "s", asked = (this.#asked += 1), one = this.#changed;
    const tell = (moments, text) => {
      byId("s-preview").replaceChildren(...momentLines(moments, said.TimeZone));
      say(byId("s-preview-about"), text);
    };
    for (const cleared of ["s-zone", "s", ...Object.values(PARAMETERS)]) wrong(cleared, "");
    if (said.Parameters === "" && place !== "s") return tell([], place === "s-at" ? "Choose a time." : "Type an expression, such as 30 2 * * 1-5: at half past two, Monday to Friday.");
    try {
      const same = one?.Active && one.NextAt && JSON.stringify(said) === this.#before;
      const { NextOccurrences } = await (same ? get(`/Schedule/${encodeURIComponent(one.GUID)}?next=${NEXT}`) : post("/Schedule/Preview", said, freshKey()));
      if (asked !== this.#asked) return null;
      if (!NextOccurrences.length) wrong(place, "That moment has passed.");
      const elsewhere = NextOccurrences.some((iso) => wallTime(iso, said.TimeZone) !== wallTime(iso));
      return tell(NextOccurrences, !NextOccurrences.length ? "It is due no more." : elsewhere ? `Where you are; “there” is on the clock of ${said.TimeZone}.` : "");
    } catch (error) {
      if (asked !== this.#asked) return null;
      this.#refused(error);
      return tell([], error instanceof Refused ? "It would never be due." : error.message);
    }
  }

  #refused(error) {
    const told = Object.entries(error instanceof Refused ? error.fields : {});
    for (const [name, texts] of told) wrong(placeOf(name), [texts].flat().join(" "));
    if (!told.length) wrong("s", error.message);
    return told.map(([name]) => placeOf(name))[0];
  }

  async #save() {
    const bad = objection(fields.Settings.value), hash = fields.Hash.value.trim();
    wrong("s-settings", bad);
    if (!hash) wrong("s-operation", "Choose an operation.");
    if (bad || !hash) return byId(hash ? "s-settings" : "s-operation").focus();
    const said = timing(), policies = { MissedRuns: fields.MissedRuns.value, Overlap: fields.Overlap.value, RunMode: fields.RunMode.value };
    // A change of when begins anew, so what was not touched is not sent.
    const when = this.#changed && JSON.stringify(said) === this.#before ? {} : said;
    const body = { Hash: hash, ...when, ...policies, Settings: objectIn(fields.Settings.value) };
    const [path, method] = this.#changed ? [`/Schedule/${encodeURIComponent(this.#changed.GUID)}`, "PUT"] : ["/Schedule/Operation", "POST"];
    byId("s-save").disabled = true;
    try {
      this.#saved = await order(path, body, method);
      dialog.close();
    } catch (error) {
      byId(this.#refused(error))?.focus();
    } finally {
      byId("s-save").disabled = false;
    }
    return undefined;
  }
}

/** When, as the hub is told. */
function timing() {
  const kind = fields.ScheduleType.value, unit = UNITS.find(([name]) => name === fields.Unit.value)[1];
  const said = { cron: fields.Cron.value.trim(), interval: { IntervalMs: Math.round(Number(fields.Every.value) * unit) }, once: fields.At.value };
  return { ScheduleType: kind, Parameters: said[kind] ?? "", TimeZone: fields.TimeZone.value.trim() };
}

const placeOf = (name) => (name.startsWith("Parameters") ? PARAMETERS[fields.ScheduleType.value] : PLACES[name.split(".")[0]]) ?? "s";

/** Say what is wrong with a field beside it; `s` is the form as a whole. */
function wrong(place, text) {
  say(byId(`${place}-error`), text);
  if (place !== "s") attribute(byId(place), "aria-invalid", String(text !== ""));
}
