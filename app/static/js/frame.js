// What every page does: stay connected, read when something has happened, and say in the bar where it stands and what is wrong.

import { byId, mark, say, show } from "./dom.js";
import { clock, letters, now } from "./format.js";
import { Refused, get } from "./http.js";
import { Live } from "./live.js";

// A burst is over when nothing has come for the first time; one that goes on is interrupted by a reading after the second.
const QUIET_MS = 400, BURST_MS = 2_000;
// How the hub is, beyond what the page shows, is looked at when the page connects and along with a reading, no more often than this;
// while something is wrong it is looked at until that is over.
const LOOK_MS = 60_000, TROUBLED_LOOK_MS = 3_000;
const MOST_LETTERS = 100;

export class Frame {
  /** When the page was last read as a whole, by this machine's clock; 0 before that. */
  readAt = 0;
  #reading = null;
  #ready = true;
  #error = null;
  #worst = null;
  #timer = 0;
  #heardAt = 0;
  #lookedAt = -Infinity;
  #lookTimer = 0;
  #state = ["connecting", 0];

  /**
   * read(): read the page's state; throws what keeps it from being read. happened(event): returns false where no reading need follow.
   * reset(): what was learnt from events is void. condition(told): the hub's health has been looked at.
   */
  constructor({ topics = ["queue", "beacon"], read, happened = () => true, reset = () => {}, condition = () => {} }) {
    Object.assign(this, { read, happened, condition });
    this.live = new Live("/api/events", topics, {
      opened: () => {
        this.#lookedAt = -Infinity;
        return this.readNow();
      },
      happened: (event) => this.happened(event) !== false && this.soon(),
      reset: () => {
        reset();
        this.#lookedAt = -Infinity;
        this.reread();
      },
      state: (name, retryAt) => this.#stand(name, retryAt),
    });
  }

  start() {
    this.live.connect();
  }

  /** Read as a whole, once however often it is asked for meanwhile. Returns whether that worked; if not, the page says why. */
  readNow() {
    this.#reading ??= this.#readOnce().finally(() => (this.#reading = null));
    return this.#reading;
  }

  /** Read what is wanted now: a reading on its way is of what was wanted before. */
  async again() {
    await this.#reading;
    return this.reread();
  }

  /** Read while connected: what cannot be read is not live, so the connection is made anew, with pauses, until it can. */
  async reread() {
    if (!(await this.readNow())) this.live.again();
  }

  /** Have the state read once what happens has calmed down. */
  soon() {
    this.#heardAt = performance.now();
    if (this.#timer) return;
    const burstAt = this.#heardAt;
    const due = () => {
      const rest = Math.min(this.#heardAt + QUIET_MS, burstAt + BURST_MS) - performance.now();
      this.#timer = rest > 0 ? setTimeout(due, rest) : 0;
      if (!this.#timer) this.reread();
    };
    this.#timer = setTimeout(due, QUIET_MS);
  }

  async #readOnce() {
    try {
      await this.read();
    } catch (error) {
      // What fails on our side is a mistake, not an outage: it belongs into the console.
      if (!(error instanceof Refused) && error?.name !== "Unheard") throw error;
      this.#trouble(error);
      this.look(true);
      return false;
    }
    this.readAt = Date.now();
    mark(document.body, "known", "yes");
    this.#trouble(null);
    this.look();
    return true;
  }

  /** Look at how the hub is, unless that was done lately. */
  async look(atOnce = false) {
    if (!atOnce && performance.now() - this.#lookedAt < (this.#worst ? TROUBLED_LOOK_MS : LOOK_MS)) return;
    this.#lookedAt = performance.now();
    clearTimeout(this.#lookTimer);
    let told;
    try {
      told = await get("/api/health");
    } catch {
      return; // nobody answers: the connection says so
    }
    say(byId("dead"), letters(told.DeadLetters, MOST_LETTERS));
    show(byId("dead"), told.DeadLetters > 0);
    this.#worst = told.Parts.find((part) => part.State === "down") ?? null;
    this.#say();
    this.condition(told);
    if (this.#worst && !document.hidden) this.#lookTimer = setTimeout(() => this.look(true), TROUBLED_LOOK_MS);
  }

  #trouble(error) {
    this.#error = error;
    this.#ready = error?.code !== "not_ready";
    this.#say();
  }

  #say() {
    // That nobody answers is said in the bar, where it moves nothing; an answer that explains itself gets its own line.
    const explained = this.#error instanceof Refused ? this.#error : null;
    const missing = explained?.missing?.length ? `Missing: ${explained.missing.join(", ")}.` : "";
    const worst = this.#worst;
    show(byId("trouble"), Boolean(explained || worst));
    // The health of the parts knows better than a question that failed because of them.
    say(byId("trouble-text"), worst && !missing ? worst.Sentence : explained?.message ?? "");
    say(byId("trouble-more"), worst && !missing ? worst.Advice : missing);
    this.#stand(...this.#state);
  }

  #stand(name, retryAt) {
    this.#state = [name, retryAt];
    const texts = {
      connecting: "connecting",
      live: "live",
      paused: "paused while hidden",
      reconnecting: this.readAt ? `reconnecting, state of ${clock(this.readAt + (now() - Date.now()))}` : "reconnecting",
    };
    const troubled = name === "reconnecting" && !this.#ready;
    const broken = name === "live" && this.#worst;
    mark(byId("live"), "state", troubled || broken ? "trouble" : name);
    mark(document.body, "live", name);
    say(byId("live-text"), troubled ? "hub not ready" : broken ? `${this.#worst.Name} down` : texts[name]);
    byId("live").title = retryAt ? `next try at ${clock(retryAt)}` : "";
  }
}

/** A click that means this page, and not a new tab or window. */
export const plain = (event) => event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

/** Whether somebody types, so that letters are no commands. */
export const typing = (event) => Boolean(event.target.closest?.("input, textarea, select, [contenteditable]"));

/** What keys do on the page, by their names; nothing while somebody types or is asked something. */
export function shortcuts(acts) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event) || document.querySelector("dialog[open]") || !Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  });
}

document.addEventListener("click", (event) => {
  const skip = event.target instanceof Element && event.target.closest(".skip");
  if (!skip || !plain(event)) return;
  // Without a place in the history: going back must not come here.
  event.preventDefault();
  byId(skip.hash.slice(1))?.focus();
});
