// What is said of the operation as a whole, and its nodes as a list: for keyboards, and for small screens.

import { typeOf } from "./cards.js";
import { make, mark } from "./dom.js";
import { clock } from "./format.js";
import { objection, objectIn } from "./asking.js";

let count = 0;

function field(words, input, act) {
  input.id = `operation-${++count}`;
  const error = make("span", { className: "ask-error", role: "alert" });
  input.addEventListener("change", () => {
    error.textContent = act(input.value) ?? "";
  });
  return make("div", { className: "editor-field" }, make("label", { htmlFor: input.id, textContent: words }), input, error);
}

const area = (value, rows) => make("textarea", { className: "field", value, rows, spellcheck: false });

function stateField(words, name, fields, set) {
  const value = fields[name] ?? {};
  return field(words, area(Object.keys(value).length ? JSON.stringify(value, null, 2) : "", 4), (text) => {
    const wrong = objection(text);
    if (!wrong) set({ [name]: objectIn(text) });
    return wrong;
  });
}

/** `does`: fields(changes), choose(hash). */
export function operationForm({ fields, nodes }, types, findings, does) {
  const texts = new Map();
  for (const one of findings) if (one.NodeHash) texts.set(one.NodeHash, one.Severity === "error" ? "error" : texts.get(one.NodeHash) ?? "warning");
  const list = nodes.map((node) => {
    const button = make("button", { type: "button", className: "quiet" }, make("span", { textContent: node.Title || node.Hash }), make("span", { className: "of", textContent: types.get(typeOf(node))?.Name ?? typeOf(node) }));
    mark(button, "node", node.Hash);
    mark(button, "finding", texts.get(node.Hash) ?? "");
    button.addEventListener("click", () => does.choose(node.Hash));
    return make("li", {}, button);
  });
  return [
    field("Description", area(fields.Description ?? "", 3), (text) => void does.fields({ Description: text })),
    field("Tags, separated by commas", make("input", { value: (fields.Tags ?? []).join(", "), autocomplete: "off" }), (text) => void does.fields({ Tags: text.split(",").map((tag) => tag.trim()).filter(Boolean) })),
    stateField("State that a run begins with, as JSON", "InitialOperationState", fields, does.fields),
    stateField("Global state that it begins with, as JSON", "InitialGlobalState", fields, does.fields),
    make("h3", { textContent: nodes.length ? "Nodes" : "No nodes yet" }),
    make("ul", { className: "editor-nodes" }, ...list),
  ];
}

/** The revisions, newest first; `take(number)` brings one back. */
export function revisionList(revisions, current, take) {
  return make("ul", { className: "editor-revisions" }, ...revisions.map((one) => {
    const button = make("button", { type: "button", className: "quiet", textContent: "Bring back", ariaLabel: `Bring back revision ${one.Revision}` });
    button.addEventListener("click", () => take(one.Revision));
    return make("li", {}, `${one.Revision} · ${clock(Date.parse(one.SavedAt))} · ${one.SavedBy} `, one.Revision === current ? make("span", { className: "of", textContent: "this one" }) : button);
  }));
}
