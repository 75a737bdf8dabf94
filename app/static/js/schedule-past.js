// The history of a schedule beside the list: what it is, when it is due next, and what became of each moment. The address keeps which one.

import { arrange, attribute, byId, make, mark, part, pill, say, show } from "./dom.js";
import { clock } from "./format.js";
import { Refused, get, page } from "./http.js";
import { inLine, operationAddress, runAddress, shortRun, statePill } from "./run-words.js";
import { localTime, outcomeWord, scheduleName, untilText, wallTime, whenText } from "./schedule-words.js";

const PAGE = 50, MOST = 1_000, NEXT = 5;

export class Past {
  #guid = null;
  #moments = new Map();
  #next = null;
  #pushed = false;

  /** `known()`: the schedules of the list, which know the names of their operations. */
  constructor(known) {
    this.known = known;
    this.dialog = byId("drawer");
    byId("drawer-close").addEventListener("click", () => this.dialog.close());
    byId("past-more").addEventListener("click", () => this.#more());
    this.dialog.addEventListener("close", () => this.#leave());
    window.addEventListener("hashchange", () => this.follow(true));
  }

  open(guid) {
    location.hash = encodeURIComponent(guid);
  }

  /** Show what the address names. `pushed`: a step back leads to the list again. */
  follow(pushed = false) {
    const guid = decodeURIComponent(location.hash.slice(1));
    if (guid === this.#guid) return;
    if (!guid.startsWith("sched-")) {
      this.#guid = null;
      this.dialog.close();
      return;
    }
    [this.#guid, this.#moments, this.#next, this.#pushed] = [guid, new Map(), null, pushed];
    say(byId("past-guid"), guid);
    say(byId("past-title"), this.#name() ?? "");
    for (const id of ["past", "past-none", "past-more"]) show(byId(id), false);
    for (const id of ["past-facts", "past-next"]) byId(id).replaceChildren();
    byId("past").tBodies[0].replaceChildren();
    if (!this.dialog.open) this.dialog.showModal();
    byId("past-title").focus({ preventScroll: true });
    this.read().catch((error) => say(byId("past-error"), error.message));
  }

  #leave() {
    if (this.#guid === null) return;
    this.#guid = null;
    // What was opened here is left by going back; who came by a link has nothing to go back to.
    if (this.#pushed) history.back();
    else history.replaceState(null, "", location.pathname + location.search);
  }

  /** The list has been read: it knows the name. */
  retitle() {
    if (this.#name()) say(byId("past-title"), this.#name());
  }

  #name() {
    const one = this.known().get(this.#guid);
    return one && scheduleName(one);
  }

  async read() {
    const guid = this.#guid, limit = Math.min(MOST, Math.max(PAGE, this.#moments.size));
    if (guid === null) return;
    const path = `/Schedule/${encodeURIComponent(guid)}`;
    try {
      const [one, moments] = await Promise.all([get(`${path}?next=${NEXT}`), page(`${path}/Occurrences?limit=${limit}`)]);
      if (guid !== this.#guid) return;
      const tail = this.#moments.size > limit ? [...this.#moments.values()].slice(limit) : [];
      this.#moments = new Map([...moments.body, ...tail].map((moment) => [moment.DueAt, moment]));
      if (!tail.length) this.#next = moments.next;
      say(byId("past-error"), "");
      this.#paint(one);
    } catch (error) {
      // It may have been removed; the list is told about whatever else keeps the hub from answering.
      if (!(error instanceof Refused && error.status === 404)) throw error;
      if (guid === this.#guid) say(byId("past-error"), error.message);
    }
  }

  async #more() {
    const guid = this.#guid;
    try {
      const told = await page(`/Schedule/${encodeURIComponent(guid)}/Occurrences?${new URLSearchParams({ limit: PAGE, after: this.#next })}`);
      if (guid !== this.#guid) return;
      for (const moment of told.body) this.#moments.set(moment.DueAt, moment);
      this.#next = told.next;
      this.#paintMoments();
    } catch (error) {
      say(byId("past-error"), error.message);
    }
  }

  #paint(one) {
    say(byId("past-title"), this.#name() ?? one.TargetHash);
    pill(byId("past-pill"), one.Active ? "Online" : "Paused", one.Active ? "Active" : "Stopped");
    attribute(byId("past-operation"), "href", operationAddress(one.TargetHash));
    attribute(byId("past-runs"), "href", `/runs?operation=${encodeURIComponent(one.TargetHash)}`);
    attribute(byId("past-json"), "href", `/Schedule/${encodeURIComponent(one.GUID)}`);
    const settings = Object.keys(one.Settings ?? {}).length ? inLine(one.Settings) : "none";
    const facts = { When: whenText(one), "Time zone": one.TimeZone, "Missed moments": one.MissedRuns, Overlap: one.Overlap, Mode: one.RunMode, Parameters: settings, "Saved by": one.SavedBy.replace(/:$/, "") };
    byId("past-facts").replaceChildren(...Object.entries(facts).map(([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }))));
    byId("past-next").replaceChildren(...momentLines(one.NextOccurrences, one.TimeZone));
    if (!one.NextOccurrences.length) byId("past-next").append(make("li", { className: "of", textContent: one.Active ? "It is due no more." : "It is stopped." }));
    this.#paintMoments();
  }

  #paintMoments() {
    arrange(byId("past").tBodies[0], [...this.#moments.keys()], "blank-moment", (row, key) => fill(row, this.#moments.get(key)));
    show(byId("past"), this.#moments.size > 0);
    show(byId("past-none"), this.#moments.size === 0);
    show(byId("past-more"), Boolean(this.#next));
  }
}

function fill(row, moment) {
  say(part(row, "due"), localTime(moment.DueAt));
  attribute(part(row, "due"), "datetime", moment.DueAt);
  mark(row, "status", moment.Status);
  statePill(part(row, "pill"), moment.Status, outcomeWord(moment.Status));
  say(part(row, "reason"), moment.Reason);
  show(part(row, "run"), moment.RunHash !== "");
  say(part(row, "run"), shortRun(moment.RunHash));
  attribute(part(row, "run"), "href", runAddress(moment.RunHash));
  say(part(row, "ended"), moment.EndedAt && moment.RunHash ? clock(Date.parse(moment.EndedAt)) : "");
}

/** Moments as lines: where the reader is, how long until then, and on the wall clock of the zone where that is another one. */
export function momentLines(moments, zone) {
  return moments.map((iso) => {
    const there = wallTime(iso, zone);
    const more = [untilText(iso), ...(there && there !== wallTime(iso) ? [`there ${there.replace("T", " ")}`] : [])];
    return make("li", {}, make("time", { dateTime: iso, textContent: localTime(iso) }), " ", make("span", { className: "of", title: there && zone, textContent: more.join(" · ") }));
  });
}
