// The rows over there, a page at a time, as the databeacon reads them when asked.

import { attribute, byId, make, say, show } from "./dom.js";
import { page, patiently } from "./http.js";
import { answered } from "./picker.js";

const BASE = "/Ultravisor/Persistence/Rows";
// What is shown of a table until somebody wants all columns.
const FEW = {
  UVQueueWorkItem: ["WorkItemHash", "Status", "Capability", "Action", "Priority", "AttemptNumber", "EnqueuedAt", "CompletedAt"],
  UVQueueWorkItemAttempt: ["WorkItemHash", "AttemptNumber", "BeaconID", "Outcome", "StartedAt", "EndedAt", "Error"],
  UVQueueWorkItemEvent: ["EmittedAt", "WorkItemHash", "Seq", "EventType", "FromStatus", "ToStatus", "BeaconID"],
  UVManifest: ["Hash", "OperationName", "Status", "RunMode", "StartTime", "StopTime", "ElapsedMs"],
};
const NUMBERS = /^(ID|Priority$|Seq$|AttemptNumber$|ElapsedMs$|.*Ms$|Max)/;
// Columns that the hub does not sort by: without bound, or empty where nothing was.
const UNSORTED = new Set(["Settings", "Result", "LastError", "Payload", "Error", "Extra", "ManifestJSON", "CreateDate", "UpdateDate"]);

export class Records {
  #table = "";
  #connection = 0;
  #where = [];
  #sort = "";
  #descending = true;
  #cursors = [null];
  #next = null;
  #columns = [];
  #asked = 0;

  constructor() {
    byId("rows-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
    byId("rows-table").addEventListener("change", () => this.open(byId("rows-table").value, false));
    byId("rows-first").addEventListener("click", () => this.#go([null]));
    byId("rows-back").addEventListener("click", () => this.#go(this.#cursors.slice(0, -1)));
    byId("rows-next").addEventListener("click", () => this.#go([...this.#cursors, this.#next]));
    byId("rows-again").addEventListener("click", () => this.#read());
    byId("rows-all").addEventListener("change", () => this.#read());
    const act = (event) => event.target.closest("tbody tr")?.dataset.place;
    byId("rows").addEventListener("click", (event) => act(event) !== undefined && this.#show(Number(act(event))));
    byId("rows").addEventListener("keydown", (event) => {
      if (act(event) === undefined) return;
      if (event.key === "Enter") this.#show(Number(act(event)));
      const beside = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      if (!beside) return;
      event.preventDefault();
      event.target.closest("tr")[beside]?.focus();
    });
  }

  /** These tables are there. Rows are read when somebody first sees them, and when it is another database. */
  offer(names, connection) {
    const select = byId("rows-table");
    if ([...select.options].map((option) => option.value).join() !== names.join()) select.replaceChildren(...names.map((name) => make("option", { value: name, textContent: name })));
    if (names.includes(this.#table)) select.value = this.#table;
    if (this.#connection === connection && this.#table) return;
    this.#connection = connection;
    this.open(names.includes("UVQueueWorkItem") ? "UVQueueWorkItem" : names[0], false);
  }

  /** Show a table from its newest row on. */
  open(name, jump = true) {
    Object.assign(byId("rows-table"), { value: name });
    this.#table = name;
    this.#where = [];
    this.#sort = "";
    this.#descending = true;
    this.#go([null]);
    if (jump) byId("rows-title").focus();
  }

  #go(cursors) {
    this.#cursors = cursors;
    return this.#read();
  }

  #query(paged) {
    const query = new URLSearchParams();
    for (const one of this.#where) query.append("where", one);
    if (this.#sort) query.set("sort", this.#sort);
    query.set("descending", String(this.#descending));
    if (paged && this.#cursors.at(-1)) query.set("after", this.#cursors.at(-1));
    return query;
  }

  async #read() {
    const asked = ++this.#asked;
    try {
      const { body, next } = await patiently(() => page(`${BASE}/${this.#table}?${this.#query(true)}`));
      if (asked !== this.#asked) return; // somebody has asked for something else since
      this.#next = next;
      this.#columns = body.Columns;
      this.rows = body.Rows;
      show(byId("rows-error"), false);
    } catch (error) {
      if (asked !== this.#asked) return;
      this.rows = [];
      this.#next = null;
      say(byId("rows-error"), error.message);
      show(byId("rows-error"), true);
    }
    this.#paint();
  }

  #paint() {
    const columns = byId("rows-all").checked ? this.#columns : (FEW[this.#table] ?? this.#columns).filter((name) => this.#columns.includes(name));
    byId("rows").tHead.rows[0].replaceChildren(...columns.map((name) => this.#head(name)));
    byId("rows").tBodies[0].replaceChildren(...this.rows.map((row, place) => this.#line(row, place, columns)));
    show(byId("no-rows"), this.rows.length === 0 && byId("rows-error").hidden);
    say(byId("rows-of"), `${this.#table}, page ${this.#cursors.length}`);
    byId("rows-next").disabled = !this.#next;
    byId("rows-back").disabled = byId("rows-first").disabled = this.#cursors.length === 1;
    attribute(byId("rows-csv"), "href", `${BASE}/${this.#table}/csv?${this.#query(false)}`);
    const chosen = byId("rows-column").value;
    byId("rows-column").replaceChildren(...this.#columns.map((name) => make("option", { value: name, textContent: name, selected: name === chosen || (!chosen && name === "Status") })));
    byId("rows-where").replaceChildren(...this.#where.map((text, place) => make("li", {}, this.#condition(text, place))));
  }

  #head(name) {
    const sorts = !UNSORTED.has(name);
    const button = make("button", { type: "button", textContent: name, disabled: !sorts, title: sorts ? `Sort by ${name}` : "" });
    button.addEventListener("click", () => {
      this.#descending = this.#sort === name ? !this.#descending : true;
      this.#sort = name;
      this.#go([null]);
    });
    const head = make("th", { scope: "col", className: NUMBERS.test(name) ? "is-number" : "" }, button);
    if (this.#sort === name) head.setAttribute("aria-sort", this.#descending ? "descending" : "ascending");
    return head;
  }

  #line(row, place, columns) {
    const line = make("tr", { tabIndex: 0 }, ...columns.map((name) => make("td", { textContent: row[name] ?? "", className: NUMBERS.test(name) ? "is-number" : "" })));
    line.dataset.place = place;
    return line;
  }

  #condition(text, place) {
    const button = make("button", { type: "button", className: "quiet", textContent: `${text} ×`, title: "Take it away" });
    button.setAttribute("aria-label", `Take away the condition ${text}`);
    button.addEventListener("click", () => {
      this.#where.splice(place, 1);
      this.#go([null]);
      byId("rows-value").focus();
    });
    return button;
  }

  #add() {
    const text = `${byId("rows-column").value}${byId("rows-operator").value}${byId("rows-value").value}`;
    if (!this.#where.includes(text)) this.#where.push(text);
    byId("rows-value").value = "";
    this.#go([null]);
  }

  async #show(place) {
    const row = this.rows[place];
    say(byId("row-title"), `${this.#table} ${row[this.#columns[0]]}`);
    byId("row-parts").replaceChildren(...this.#columns.flatMap((name) => [make("dt", { textContent: name }), make("dd", { textContent: row[name] ?? "" })]));
    await answered("row");
    byId("rows").tBodies[0].rows[place]?.focus();
  }
}
