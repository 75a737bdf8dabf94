// Everything about one item, beside the list. The address keeps the item, so that it can be shared and the back button closes it.

import { FINAL } from "./board.js";
import { between, clock, label, now, span, tookMs, waitMs, work } from "./format.js";
import { byId, make, pill, say, show } from "./dom.js";
import { get } from "./http.js";

const TEXT_LETTERS = 200_000;
const REFRESH_MS = 300;

export class Drawer {
  hash = null;
  #shown = null;
  #timer = 0;
  #from = null;
  #round = 0;

  /** `nameOf(id)` is a beacon's name; `changed(hash)` hears which item is open, null when none is. */
  constructor(nameOf, changed) {
    this.nameOf = nameOf;
    this.changed = changed;
    this.dialog = byId("drawer");
    byId("drawer-close").addEventListener("click", () => this.close());
    // The browser closes a modal dialog by itself on Esc.
    this.dialog.addEventListener("close", () => this.close());
    byId("drawer-copy").addEventListener("click", () => this.#copy());
    window.addEventListener("popstate", () => this.follow());
    show(byId("drawer-copy"), Boolean(navigator.clipboard));
  }

  /** Show what the address names. */
  follow() {
    const hash = decodeURIComponent(location.hash.slice(1));
    if (hash.startsWith("wi-")) this.#open(hash);
    else this.#shut();
  }

  open(hash, from) {
    this.#from = from ?? null;
    const address = `#${encodeURIComponent(hash)}`;
    // One step back leaves the drawer, however many items were looked at in it.
    if (this.hash === null) history.pushState({ drawer: true }, "", address);
    else history.replaceState(history.state, "", address);
    this.#open(hash);
  }

  close() {
    if (this.hash === null) return;
    // What was opened here is left by going back; who came by a link has nothing to go back to.
    if (history.state?.drawer) history.back();
    else history.replaceState(null, "", location.pathname + location.search);
    this.#shut();
  }

  heard(hash) {
    if (hash !== this.hash || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.look();
    }, REFRESH_MS);
  }

  tick() {
    const took = byId("drawer-took");
    if (took && this.#shown && !FINAL.has(this.#shown.Status)) say(took, span(tookMs(this.#shown)) || "–");
  }

  #open(hash) {
    const body = byId("drawer-body");
    if (hash !== this.hash) {
      this.hash = hash;
      this.#shown = null;
      this.changed(hash);
      say(byId("drawer-title"), "Loading …");
      say(byId("drawer-hash"), hash);
      byId("drawer-json").href = `/Beacon/Work/${encodeURIComponent(hash)}`;
      body.replaceChildren();
      body.scrollTop = 0;
    }
    if (!this.dialog.open) {
      if (matchMedia("(max-width: 60rem)").matches) this.dialog.showModal();
      else this.dialog.show();
    }
    byId("drawer-title").focus({ preventScroll: true });
    return this.look();
  }

  #shut() {
    this.hash = null;
    this.changed(null);
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.dialog.open) this.dialog.close();
    if (this.#from?.isConnected) this.#from.focus();
    else if (this.#from) byId("items-title").focus();
    this.#from = null;
  }

  async look() {
    if (this.hash === null) return;
    const path = `/Beacon/Work/${encodeURIComponent(this.hash)}`;
    const round = ++this.#round;
    try {
      const [item, { Attempts }, { Events }] = await Promise.all([get(path), get(`${path}/Attempts`), get(`${path}/Events`)]);
      if (round === this.#round && this.hash === item.WorkItemHash) this.#paint(item, Attempts, Events);
    } catch (error) {
      if (round !== this.#round || this.#shown) return;
      say(byId("drawer-title"), "Cannot be shown");
      byId("drawer-body").replaceChildren(make("p", { className: "box", textContent: error.message }));
    }
  }

  #paint(item, attempts, events) {
    this.#shown = item;
    pill(byId("drawer-pill"), item.Status, label(item.Status));
    say(byId("drawer-title"), work(item));
    const body = byId("drawer-body");
    const outputs = item.Result?.Outputs ?? {};
    merge(
      body,
      [
        item.LastError && text("Error", item.LastError, "bad"),
        facts(item, this.nameOf),
        text("Settings", settings(item.Settings)),
        ...progress(item),
        ...outputOf(outputs),
        lines("Log", item.Result?.Log?.length ? item.Result.Log : item.AccumulatedLog),
        table("Attempts", ["#", "Outcome", "Beacon", "Began", "Took", "Error"], attempts.map((one) => attemptCells(one, this.nameOf))),
        table("Events", ["#", "Event", "To", "Beacon", "At", "More"], events.map((one) => eventCells(one, this.nameOf))),
      ].filter(Boolean),
    );
  }

  async #copy() {
    const button = byId("drawer-copy");
    try {
      await navigator.clipboard.writeText(this.hash);
      say(button, "Copied");
    } catch {
      say(button, "Not allowed");
    }
    setTimeout(() => say(button, "Copy"), 1_500);
  }
}

/** What reads as before stays, with its scrolling, its focus and what is selected in it. */
function merge(parent, wanted) {
  wanted.forEach((node, place) => {
    const old = parent.children[place];
    if (!old) parent.append(node);
    else if (!old.isEqualNode(node)) old.replaceWith(node);
  });
  while (parent.children.length > wanted.length) parent.lastElementChild.remove();
}

const moment = (iso) => (iso ? make("time", { dateTime: iso, title: iso, textContent: clock(Date.parse(iso)) }) : "–");

function facts(item, nameOf) {
  const list = make("dl", { className: "facts" });
  const tries = item.MaxAttempts > 1 ? `${item.AttemptNumber} of ${item.MaxAttempts}` : String(item.AttemptNumber);
  const rows = [
    ["Beacon", item.AssignedBeaconID ? nameOf(item.AssignedBeaconID) : "–"],
    ["Attempt", tries],
    ["Enqueued", moment(item.EnqueuedAt)],
    ["Waited", span(waitMs(item))],
    ["Took", make("span", { id: "drawer-took", textContent: span(tookMs(item)) || "–" })],
    ["Exit code", item.Result?.Outputs?.ExitCode?.toString()],
    ["Time limit", item.TimeoutMs ? span(item.TimeoutMs) : "none"],
    ["Priority", String(item.Priority)],
    ["Affinity", item.AffinityKey],
    ["Submitter", item.SubmitterTag],
    ["Next try", item.RetryAfter && moment(item.RetryAfter)],
    ["Canceled", item.CancelReason],
    ["Run", make("code", { textContent: item.RunID })],
  ];
  for (const [name, value] of rows) {
    const className = name === "Run" ? "long" : "";
    if (value) list.append(make("div", { className }, make("dt", { textContent: name }), make("dd", {}, value)));
  }
  return list;
}

/** A command is shown as it was typed; other settings as JSON. */
function settings(all) {
  const { Command, ...rest } = all ?? {};
  const others = Object.keys(rest).length ? JSON.stringify(rest, null, 2) : "";
  return typeof Command === "string" ? [Command, others].filter(Boolean).join("\n\n") : JSON.stringify(all ?? {}, null, 2);
}

function progress({ Progress, Status }) {
  if (Status !== "Running" || !Progress || (Progress.Percent === null && !Progress.Message)) return [];
  const bar = make("progress", { max: 100 });
  if (typeof Progress.Percent === "number") bar.value = Progress.Percent;
  return [section("Progress", bar, make("p", { textContent: Progress.Message ?? "" }))];
}

function* outputOf(outputs) {
  const { StdOut, StdErr, Result, ExitCode: _, ...rest } = outputs;
  if (StdOut !== undefined) yield text("StdOut", StdOut || "(empty)");
  if (StdErr) yield text("StdErr", StdErr, "warn");
  // The Shell repeats its output as its result.
  const others = Result === undefined || Result === StdOut ? rest : { Result, ...rest };
  if (Object.keys(others).length) yield text("Outputs", JSON.stringify(others, null, 2));
}

function section(title, ...children) {
  return make("section", {}, make("h3", { textContent: title }), ...children);
}

function text(title, value, kind = "") {
  const box = make("pre", { className: "box", tabIndex: 0, textContent: value.slice(0, TEXT_LETTERS) });
  box.dataset.part = title;
  box.dataset.kind = kind;
  if (value.length <= TEXT_LETTERS) return section(title, box);
  const more = make("button", { type: "button", className: "quiet", textContent: `Show all ${value.length} characters` });
  more.addEventListener("click", () => {
    box.textContent = value;
    more.remove();
  });
  return section(title, box, more);
}

const lines = (title, all) => (all?.length ? text(title, all.join("\n")) : null);

function attemptCells(one, nameOf) {
  const took = between(one.StartedAt, one.EndedAt ?? now());
  return [one.AttemptNumber, tag(one.Outcome), nameOf(one.BeaconID), moment(one.StartedAt), span(took), one.Error];
}

function eventCells(one, nameOf) {
  // What stands in the other columns, or elsewhere in the drawer, is not said again.
  const elsewhere = ([name, value]) => value === "" || ["Capability", "Action", "Error"].includes(name) || name.endsWith("At");
  const more = Object.entries(one.Payload ?? {}).filter((entry) => !elsewhere(entry));
  const told = more.map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ");
  return [one.Seq, one.EventType, tag(one.ToStatus), one.BeaconID ? nameOf(one.BeaconID) : "", moment(one.EmittedAt), told];
}

function tag(status) {
  const element = make("span", { className: "pill" });
  pill(element, status, label(status));
  return element;
}

function table(title, heads, rows) {
  if (!rows.length) return section(title, make("p", { className: "empty", textContent: "None yet." }));
  const head = make("tr", {}, ...heads.map((name) => make("th", { scope: "col", textContent: name })));
  const cells = (row) => make("tr", {}, ...row.map((value) => make("td", {}, value ?? "")));
  const all = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows.map(cells)));
  all.dataset.part = title;
  return section(title, make("div", { className: "wide", tabIndex: 0, role: "region", ariaLabel: title }, all));
}
