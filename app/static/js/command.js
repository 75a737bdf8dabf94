// The form that runs a command, and a card for each command sent: accepted at once, followed to its end.

import { FINAL } from "./board.js";
import { label, short, span, tookMs } from "./format.js";
import { byId, cloned, part, pill, say, show } from "./dom.js";
import { freshKey, get, post, unknown } from "./http.js";

const CARDS = 3;
const OUTPUT_LETTERS = 20_000;
const FIRST_PAUSE_MS = 500, LONGEST_PAUSE_MS = 8_000, GIVE_UP_MS = 120_000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class Commands {
  #cards = [];

  /** `open(hash, from)` shows an item's details; `nameOf(id)` is a beacon's name; `learnt(item)` hears what is read of an item. */
  constructor({ open, nameOf, learnt }) {
    Object.assign(this, { open, nameOf, learnt });
    const field = (this.field = byId("command"));
    byId("run").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      byId("run").requestSubmit();
    });
    field.addEventListener("input", () => {
      say(byId("run-error"), "");
      grow(field);
    });
    byId("run").querySelector("button").disabled = false;
  }

  /** Something has happened to an item. */
  heard(hash, status) {
    for (const card of this.#cards) if (card.hash === hash) card.heard(status);
  }

  /** Events may have been missed: ask for whatever has not ended. */
  check() {
    for (const card of this.#cards) if (card.hash && !card.ended) card.look();
  }

  tick() {
    for (const card of this.#cards) card.tick();
  }

  #submit() {
    const command = this.field.value.trim();
    if (!command) {
      say(byId("run-error"), "Type a command first.");
      this.field.focus();
      return;
    }
    this.field.value = "";
    grow(this.field);
    say(byId("run-error"), "");
    const card = new Card(command, this);
    this.#cards.unshift(card);
    byId("sent").prepend(card.element);
    // What nobody knows the outcome of stays; of the rest, only the newest.
    const settled = this.#cards.filter((one) => one.settled);
    for (const old of settled.slice(CARDS - 1)) this.away(old);
    card.send();
  }

  away(card) {
    const focused = card.element.contains(document.activeElement);
    this.#cards = this.#cards.filter((one) => one !== card);
    card.element.remove();
    if (focused) this.field.focus();
  }
}

function grow(field) {
  field.rows = Math.min(8, field.value.split("\n").length);
}

class Card {
  hash = null;
  ended = false;
  settled = false;
  #key = freshKey();
  #item = null;
  #looking = null;
  #again = false;

  constructor(command, commands) {
    this.command = command;
    this.commands = commands;
    const element = (this.element = cloned("blank-sent"));
    say(part(element, "command"), command);
    part(element, "command").title = command;
    part(element, "away").addEventListener("click", () => commands.away(this));
    part(element, "again").addEventListener("click", () => this.send());
    part(element, "open").addEventListener("click", (event) => {
      event.preventDefault();
      commands.open(this.hash, event.currentTarget);
    });
  }

  /** Send the command until its outcome is known; the key makes it one item however often it is sent. */
  async send() {
    this.settled = false;
    show(part(this.element, "again"), false);
    this.#status("Sending", "");
    this.#output("", "");
    const body = { Capability: "Shell", Action: "Execute", Settings: { Command: this.command } };
    const until = Date.now() + GIVE_UP_MS;
    for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
      try {
        const accepted = await post("/Beacon/Work/Enqueue", body, this.#key);
        return this.#accepted(accepted);
      } catch (error) {
        if (!unknown(error) || Date.now() + wait > until) return this.#failed(error);
        this.#output("No answer yet. Asking again with the same key: the command runs once, however often it is sent.", "");
        await pause(wait);
      }
    }
  }

  #accepted({ WorkItemHash, Status }) {
    this.hash = WorkItemHash;
    this.settled = true;
    const link = part(this.element, "open");
    link.href = `/Beacon/Work/${encodeURIComponent(WorkItemHash)}`;
    say(link, short(WorkItemHash));
    show(link, true);
    this.#output("", "");
    this.#status(Status, "Accepted.");
    byId("said").textContent = `Accepted as ${short(WorkItemHash)}.`;
    // It may have moved on before this answer came.
    this.look();
  }

  #failed(error) {
    this.settled = !unknown(error);
    const text = unknown(error) ? `${error.message} It is still not known whether it was accepted; trying again is safe.` : error.message;
    this.#status("Failed", "");
    this.#output(text, "bad");
    show(part(this.element, "again"), true);
    byId("said").textContent = `Not accepted: ${text}`;
  }

  heard(status) {
    if (this.ended) return;
    this.#status(status, "");
    this.look();
  }

  /** Read the item; once more if something happens meanwhile. */
  async look() {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = this.#read();
    await this.#looking;
    this.#looking = null;
    if (this.#again && !this.ended) {
      this.#again = false;
      this.look();
    }
  }

  async #read() {
    let item;
    try {
      item = await get(`/Beacon/Work/${encodeURIComponent(this.hash)}`);
    } catch {
      return; // the next event, or the next connection, asks again
    }
    this.#item = item;
    this.commands.learnt(item);
    this.ended = FINAL.has(item.Status);
    this.#status(item.Status, this.#note(item));
    if (this.ended) this.#end(item);
  }

  #note(item) {
    const took = tookMs(item);
    const where = item.AssignedBeaconID ? `on ${this.commands.nameOf(item.AssignedBeaconID)}` : "";
    if (item.Status === "Delayed") return "Its time has not come.";
    if (item.Status === "Pending") return "Waits for a beacon.";
    if (item.Status === "RetryScheduled") return `Will be tried again. ${item.LastError}`;
    const code = item.Result?.Outputs?.ExitCode;
    return [code === undefined ? "" : `exit code ${code}`, where, took === null ? "" : span(took)].filter(Boolean).join(", ");
  }

  #end(item) {
    const outputs = item.Result?.Outputs ?? {};
    const text = item.Status === "Complete" ? [outputs.StdOut, outputs.StdErr].filter(Boolean).join("\n") : item.LastError || item.CancelReason;
    const shown = text.length > OUTPUT_LETTERS ? `${text.slice(0, OUTPUT_LETTERS)}\n… the rest is in the details` : text;
    this.#output(shown || "(no output)", item.Status === "Complete" && !outputs.ExitCode ? "good" : "bad");
    byId("said").textContent = `${label(item.Status)}: ${this.command.slice(0, 80)}. ${this.#note(item)}`;
  }

  #output(text, kind) {
    const output = part(this.element, "output");
    output.dataset.kind = kind;
    say(output, text);
  }

  #status(status, note) {
    pill(part(this.element, "pill"), status, label(status));
    say(part(this.element, "note"), note);
    part(this.element, "note").title = note;
  }

  tick() {
    if (this.#item && this.#item.Status === "Running" && !this.ended) say(part(this.element, "note"), this.#note(this.#item));
  }
}
