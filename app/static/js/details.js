// Everything about one item: read as a whole, painted piece by piece, with what can be done about it.

import { actsFor, perform } from "./acts.js";
import { FINAL } from "./board.js";
import { between, clock, label, now, span, tookMs, waitMs, work } from "./format.js";
import { byId, make, pill, say, show } from "./dom.js";
import { get } from "./http.js";

const TEXT_LETTERS = 200_000;
const REFRESH_MS = 300;
// An item that waits does so for reasons that no event of its own tells, a beacon that leaves for one: they are read again with any event.
const WHY_MS = 1_000;

export class Details {
  hash = null;
  #shown = null;
  #timer = 0;
  #round = 0;

  /** `nameOf(id)` is a beacon's name. */
  constructor(nameOf) {
    this.nameOf = nameOf;
    byId("detail-copy").addEventListener("click", () => this.#copy());
    show(byId("detail-copy"), Boolean(navigator.clipboard));
    byId("detail-acts").addEventListener("click", (event) => {
      const act = event.target.closest("button")?.dataset.act;
      if (act) this.act(act);
    });
  }

  /** Show this item; the same one is read again. */
  open(hash) {
    if (hash !== this.hash) {
      this.hash = hash;
      this.#shown = null;
      pill(byId("detail-pill"), "Pending", "");
      say(byId("detail-title"), "Loading …");
      say(byId("detail-hash"), hash);
      byId("detail-json").href = `/Beacon/Work/${encodeURIComponent(hash)}`;
      show(byId("detail-acts"), false);
      byId("detail-body").replaceChildren();
      byId("detail-body").scrollTop = 0;
    }
    return this.look();
  }

  shut() {
    this.hash = null;
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** Something has happened: to this item it matters at once, to another one it may free this one's way. */
  heard(hash) {
    if (this.hash === null || this.#timer) return;
    const waits = this.#shown && !this.#shown.DispatchedAt && !FINAL.has(this.#shown.Status);
    if (hash !== this.hash && !waits) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.look();
    }, hash === this.hash ? REFRESH_MS : WHY_MS);
  }

  tick() {
    const took = byId("detail-took");
    if (took && this.#shown && !FINAL.has(this.#shown.Status)) say(took, span(tookMs(this.#shown)) || "–");
  }

  async act(act) {
    if (this.#shown && actsFor(this.#shown).includes(act) && (await perform(act, this.#shown))) await this.look();
  }

  async look() {
    if (this.hash === null) return;
    const path = `/Beacon/Work/${encodeURIComponent(this.hash)}`;
    const round = ++this.#round;
    try {
      const asked = [path, `${path}/Attempts`, `${path}/Events?limit=5000`, `${path}/Why`].map((one) => get(one));
      const [item, { Attempts }, { Events }, why] = await Promise.all(asked);
      if (round === this.#round && this.hash === item.WorkItemHash) this.#paint(item, Attempts, Events, why);
    } catch (error) {
      if (round !== this.#round || this.#shown) return;
      say(byId("detail-title"), "Cannot be shown");
      byId("detail-body").replaceChildren(make("p", { className: "box", textContent: error.message }));
    }
  }

  #paint(item, attempts, events, why) {
    this.#shown = item;
    pill(byId("detail-pill"), item.Status, label(item.Status));
    say(byId("detail-title"), work(item));
    const acts = actsFor(item);
    for (const button of byId("detail-acts").querySelectorAll("button")) show(button, acts.includes(button.dataset.act));
    show(byId("detail-acts"), acts.length > 0);
    const outputs = item.Result?.Outputs ?? {};
    merge(
      byId("detail-body"),
      [
        item.LastError && text("Error", item.LastError, "bad"),
        FINAL.has(item.Status) ? null : reasons(why),
        facts(item, this.nameOf),
        ...progress(item),
        text("Settings", settings(item.Settings)),
        ...outputOf(outputs),
        lines("Log", item.Result?.Log?.length ? item.Result.Log : item.AccumulatedLog),
        table("Attempts", ["#", "Outcome", "Beacon", "Began", "Took", "Error"], attempts.map((one) => attemptCells(one, this.nameOf))),
        ...attempts.flatMap((one) => [...brought(one)]),
        table("Events", ["#", "Event", "To", "Beacon", "At", "More"], events.map((one) => eventCells(one, this.nameOf))),
      ].filter(Boolean),
    );
  }

  async #copy() {
    const button = byId("detail-copy");
    try {
      await navigator.clipboard.writeText(this.hash);
      say(button, "Copied");
    } catch {
      say(button, "Not allowed");
    }
    setTimeout(() => say(button, "Copy"), 1_500);
  }
}

/** Why it is where it is: what blocks it first, each with what to do about it. */
function reasons({ Waiting, Facts }) {
  const list = make("ul", { className: "why" });
  list.dataset.part = "Why";
  for (const fact of Facts) {
    const said = make("li", {}, make("span", { textContent: fact.Sentence }), fact.Advice ? make("span", { className: "why-advice", textContent: ` ${fact.Advice}` }) : null);
    said.dataset.blocks = String(fact.Blocks);
    list.append(said);
  }
  return section(Waiting ? "Why it waits" : "Where it is", list);
}

/** What an attempt has left behind that is not the item's result: that of a superseded one, as evidence. */
function* brought(one) {
  if (one.Outcome === "Complete" || (!one.Outputs && !one.Log?.length)) return;
  const title = `Attempt ${one.AttemptNumber}, ${label(one.Outcome).toLowerCase()}`;
  if (one.Outputs && Object.keys(one.Outputs).length) yield text(`${title}: outputs`, JSON.stringify(one.Outputs, null, 2), "warn");
  if (one.Log?.length) yield lines(`${title}: log`, one.Log);
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
    ["Took", make("span", { id: "detail-took", textContent: span(tookMs(item)) || "–" })],
    ["Exit code", item.Result?.Outputs?.ExitCode?.toString()],
    ["Time limit", item.TimeoutMs ? span(item.TimeoutMs) : "none"],
    ["Priority", String(item.Priority)],
    ["Affinity", item.AffinityKey],
    ["Submitter", item.SubmitterTag],
    ["Next try", item.RetryAfter && moment(item.RetryAfter)],
    ["Canceled", item.CancelReason],
    ["Holds", item.ConcurrencyKey && `${item.ConcurrencyKey}, at most ${item.ConcurrencyLimit} at once`],
    ["Cancellation", item.CancelRequested && "its holder has been asked"],
    ["Begins", item.NotBefore && moment(item.NotBefore)],
    ["Run", make("a", { href: `/queue?run=${encodeURIComponent(item.RunID)}` }, make("code", { textContent: item.RunID }))],
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
  if ((Status !== "Running" && Status !== "Stalled") || !Progress || (Progress.Percent === null && !Progress.Message)) return [];
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
