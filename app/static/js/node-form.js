// The form of a node: its name, the settings of its type, where its events lead, from where its settings take values, how it is tried.

import { typeOf } from "./cards.js";
import { make, mark } from "./dom.js";
import { carriesValue, portHash, portName } from "./ports.js";

const LONG = /content|template|body|prompt|text|command|expression|message|string/i;

let count = 0;

/** A field with its label and its explanation. */
function labelled(words, field, about = "", needed = false) {
  field.id = `field-${++count}`;
  const label = make("label", { htmlFor: field.id }, words, needed ? make("span", { className: "needed", textContent: " needed" }) : null);
  const help = about ? make("span", { className: "of", id: `${field.id}-help`, textContent: about }) : null;
  if (help) field.setAttribute("aria-describedby", help.id);
  return make("div", { className: "editor-field" }, label, field, help);
}

const area = (value, rows) => make("textarea", { className: "field", value, rows, spellcheck: false });

/** A value as it stands in a field, and what comes of it: numbers and JSON where the type asks for them, templates everywhere. */
const shown = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value, null, typeof value === "object" ? 2 : 0));

function given(text, kind) {
  if (text === "") return { value: undefined };
  if (kind === "String" || text.includes("{~")) return { value: text };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return kind === "Any" ? { value: text } : { wrong: kind === "Object" || kind === "Array" ? "This is no JSON." : "This is no number." };
  }
}

function settingField({ Name: name, DataType: kind, Required: needed, Description: about }, value, usual, set) {
  const placeholder = usual === undefined || usual === null || usual === "" ? "" : shown(usual).slice(0, 80);
  let field;
  if (kind === "Boolean") {
    field = make("select", {}, new Option(placeholder ? `as usual: ${placeholder === "true" ? "yes" : "no"}` : "as usual", ""), new Option("yes", "true"), new Option("no", "false"));
    field.value = value === undefined ? "" : String(value);
  } else if (kind === "Object" || kind === "Array" || kind === "Any" || (kind === "String" && LONG.test(name))) field = area(shown(value), kind === "Object" || kind === "Array" ? 4 : 2);
  else field = make("input", { value: shown(value), autocomplete: "off", spellcheck: false, inputMode: kind === "Integer" || kind === "Number" ? "decimal" : "text" });
  if (kind !== "Boolean") field.placeholder = placeholder;
  field.name = `setting-${name}`;
  const box = labelled(name, field, about, needed), error = make("span", { className: "ask-error", role: "alert" });
  box.append(error);
  field.addEventListener("change", () => {
    const { value: said, wrong } = given(field.value, kind);
    error.textContent = wrong ?? "";
    if (!wrong) set(name, said);
  });
  return box;
}

const section = (title, ...children) => make("fieldset", { className: "editor-part" }, make("legend", { textContent: title }), ...children);

/** What is said of a node. `does` changes it: node(changes), setting(name, value), connect(ends, kind), remove(hash), choose(hash). */
export function nodeForm(node, sheet, types, does) {
  const type = types.get(typeOf(node)), settings = { ...node.Data, ...node.Settings }, parts = [];
  const title = make("input", { value: node.Title ?? "", autocomplete: "off", maxLength: 200, name: "title" });
  title.addEventListener("change", () => does.node({ Title: title.value }));
  parts.push(labelled("Title", title, type ? type.Description : `There is no task type ${typeOf(node)}.`));
  const wired = new Map(sheet.connections.filter((line) => line.TargetNodeHash === node.Hash && carriesValue(line)).map((line) => [portName(node, line.TargetPortHash), line]));
  if (type?.SettingsInputs.length) parts.push(section("Settings", ...type.SettingsInputs.map((one) => (wired.has(one.Name) ? fromWire(one, wired.get(one.Name), sheet, does) : settingField(one, settings[one.Name], type.DefaultSettings[one.Name], does.setting)))));
  parts.push(section("Where its events lead", ...events(node, type, sheet, types, does)));
  if (type?.SettingsInputs.length) parts.push(section("Take a value from another node", valueForm(node, type, sheet, types, does)));
  if (type && !["start", "end"].includes(typeOf(node))) parts.push(tries(node, sheet, does));
  return parts;
}

/** A setting that takes its value from elsewhere. */
function fromWire({ Name: name }, line, sheet, does) {
  const source = sheet.node(line.SourceNodeHash);
  return make("p", { className: "editor-wire" }, make("strong", { textContent: name }), ` comes from ${source?.Title || line.SourceNodeHash}, ${portName(source, line.SourcePortHash)} `, remover(`the value of ${name}`, () => does.remove(line.Hash)));
}

function remover(what, act) {
  const button = make("button", { type: "button", className: "quiet icon", textContent: "×", ariaLabel: `Remove ${what}`, title: `Remove ${what}` });
  button.addEventListener("click", act);
  return button;
}

function* events(node, type, sheet, types, does) {
  const leads = sheet.connections.filter((line) => line.SourceNodeHash === node.Hash && !carriesValue(line));
  const names = new Set([...(type?.EventOutputs ?? []).map((one) => one.Name), ...leads.map((line) => portName(node, line.SourcePortHash))]);
  for (const name of names) {
    const lines = leads.filter((line) => portName(node, line.SourcePortHash) === name).map((line) => {
      const target = sheet.node(line.TargetNodeHash), link = make("button", { type: "button", className: "quiet", textContent: `${target?.Title || line.TargetNodeHash}, ${portName(target, line.TargetPortHash)}` });
      link.addEventListener("click", () => does.choose(line.TargetNodeHash));
      return make("span", { className: "editor-lead" }, "→ ", link, remover(`the way from ${name}`, () => does.remove(line.Hash)));
    });
    const targets = sheet.nodes.flatMap((other) => (types.get(typeOf(other))?.EventInputs ?? []).map((one) => [`${other.Title || other.Hash}, ${one.Name}`, other.Hash, one.Name]));
    const field = make("select", { ariaLabel: `Lead ${name} to` }, new Option("lead to …", ""), ...targets.map(([words], place) => new Option(words, String(place))));
    field.addEventListener("change", () => {
      if (!field.value) return;
      const [, to, input] = targets[Number(field.value)];
      does.connect({ from: node.Hash, fromPort: portHash(node.Hash, "out", "event", name), to, toPort: portHash(to, "in", "event", input) }, "event");
    });
    const row = make("div", { className: "editor-event" }, make("strong", { textContent: name }), ...lines, field);
    mark(row, "event", name);
    yield row;
  }
  if (!names.size) yield make("p", { className: "of", textContent: "Nothing follows it." });
}

function valueForm(node, type, sheet, types, does) {
  const outputs = sheet.nodes.filter((other) => other.Hash !== node.Hash).flatMap((other) => (types.get(typeOf(other))?.StateOutputs ?? []).map((one) => [`${other.Title || other.Hash}, ${one.Name}`, other.Hash, one.Name]));
  if (!outputs.length) return make("p", { className: "of", textContent: "No other node brings a value." });
  const to = make("select", { ariaLabel: "Setting" }, ...type.SettingsInputs.map((one) => new Option(one.Name)));
  const from = make("select", { ariaLabel: "Value" }, ...outputs.map(([words], place) => new Option(words, String(place))));
  const add = make("button", { type: "button", className: "quiet", textContent: "Connect" });
  add.addEventListener("click", () => {
    const [, other, output] = outputs[Number(from.value)];
    does.connect({ from: other, fromPort: portHash(other, "out", "value", output), to: node.Hash, toPort: portHash(node.Hash, "in", "value", to.value) }, "value");
  });
  return make("div", { className: "editor-values" }, to, " from ", from, add);
}

function tries(node, sheet, does) {
  const policy = node.Policy ?? {}, fields = [["TimeoutMs", "Time for one try, in ms"], ["MaxAttempts", "Tries"], ["RetryBackoffMs", "Pause before the second try, in ms"]].map(([name, words]) => {
    const field = make("input", { type: "number", min: name === "MaxAttempts" ? 1 : 0, value: policy[name] ?? "", name: `policy-${name}` });
    field.addEventListener("change", () => {
      const { [name]: _, ...rest } = sheet.node(node.Hash).Policy ?? {};
      does.node({ Policy: field.value === "" ? rest : { ...rest, [name]: Number(field.value) } });
    });
    return labelled(words, field);
  });
  const join = make("select", { name: "join" }, new Option("at each signal", "any"), new Option("once all its signals are there", "all"));
  join.value = String(node.Join ?? "any").toLowerCase();
  join.addEventListener("change", () => does.node({ Join: join.value }));
  return section("How it begins and is tried", labelled("It begins", join), ...fields);
}
