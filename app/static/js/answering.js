// The form that gives a waiting node what it asks for: by the kind of value, with choices where there are some.

import { make } from "./dom.js";
import { between, now, span } from "./format.js";
import { order } from "./http.js";
import { done } from "./notice.js";

const KINDS = new Set(["number", "boolean", "choice", "file"]);

/** What a choice means, and how it is shown: a bare value, or one with a label. */
const choices = (options) => (Array.isArray(options) ? options : []).map((one) => (one && typeof one === "object" ? { value: one.Value ?? one.value, words: String(one.Label ?? one.label ?? one.Value ?? one.value) } : { value: one, words: String(one) }));

/** How long there is for an answer. */
export function deadline(task) {
  const left = task.DueAt ? Date.parse(task.DueAt) - now() : null;
  if (left === null) return "waits for as long as it takes";
  return left > 0 ? `expires in ${span(left)}` : "expires now";
}

export const waitedFor = (task) => span(between(new Date(Number(task.Timestamp) || Date.parse(task.Timestamp)).toISOString(), now()));

/** A form for what `task` of a run asks; `answered()` is told once its answer is committed. */
export function answerForm(run, hash, task, answered) {
  const kind = choices(task.Options).length ? "choice" : KINDS.has(task.InputType) ? task.InputType : "text";
  const id = `answer-${run}-${hash}`.replace(/[^\w-]/g, "-");
  const { parts, value } = FIELDS[kind](id, task);
  const label = make("label", { textContent: task.PromptMessage || "A value is needed.", className: "input-asks" });
  if (kind !== "choice" && kind !== "boolean") label.htmlFor = id;
  const form = make("form", { className: "input-form" }, label, ...parts);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = await value(event.submitter);
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    const outcome = await done(order(`/PendingInput/${encodeURIComponent(run)}`, { NodeHash: hash, Value: given }), "Answered; the run goes on.");
    for (const button of form.querySelectorAll("button")) button.disabled = false;
    if (outcome) answered();
  });
  return form;
}

const submit = () => make("button", { type: "submit", textContent: "Answer" });
const line = (...children) => make("p", { className: "input-line" }, ...children);

const buttons = (all) => {
  const made = all.map(({ words }, place) => make("button", { type: "submit", className: "quiet", value: String(place), textContent: words }));
  return { parts: [line(...made)], value: (pressed) => all[Number(pressed?.value ?? 0)].value };
};

const FIELDS = {
  choice: (id, task) => {
    const all = choices(task.Options);
    if (all.length <= 6) return buttons(all);
    const field = make("select", { id }, ...all.map(({ words }, place) => new Option(words, String(place))));
    return { parts: [line(field, submit())], value: () => all[Number(field.value)].value };
  },
  boolean: () => buttons([{ value: true, words: "Yes" }, { value: false, words: "No" }]),
  number: (id) => {
    const field = make("input", { id, type: "number", step: "any", required: true });
    return { parts: [line(field, submit())], value: () => Number(field.value) };
  },
  file: (id) => {
    const field = make("input", { id, type: "file", required: true });
    return { parts: [line(field, submit())], value: () => field.files[0].text() };
  },
  text: (id) => {
    const field = make("textarea", { id, className: "field", rows: 2, required: true, spellcheck: false });
    // As in the command: Enter answers, Shift Enter begins a line.
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      field.form.requestSubmit();
    });
    return { parts: [field, line(submit())], value: () => field.value };
  },
};
