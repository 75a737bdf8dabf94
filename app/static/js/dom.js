// The few things that all parts do to the page. Texts are set as texts, never as markup: what a beacon sends cannot act.

export const byId = (id) => document.getElementById(id);

/** Set a text only where it differs: what did not change is not painted, and a selection in it survives. */
export function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

export function mark(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

export function attribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const parts = new WeakMap();

/** A part of a row or card by its data-f, `pill` or `link`; looked up once. */
export function part(element, name) {
  let found = parts.get(element);
  if (!found) {
    found = Object.fromEntries([...element.querySelectorAll("[data-f]")].map((piece) => [piece.dataset.f, piece]));
    found.pill = element.querySelector(".pill");
    found.link = element.querySelector("a");
    parts.set(element, found);
  }
  return found[name];
}

export const cloned = (template) => byId(template).content.firstElementChild.cloneNode(true);

/**
 * Make the children of `parent` those of `keys`, in this order. Rows that stay are not moved, so focus and selection stay with them.
 * Rows are told by data-key; those that the server painted are taken over.
 */
export function arrange(parent, keys, template, fill) {
  const rows = new Map([...parent.children].map((row) => [row.dataset.key, row]));
  const wanted = new Set(keys);
  for (const [key, row] of rows) if (!wanted.has(key)) row.remove();
  let place = parent.firstElementChild;
  for (const key of keys) {
    let row = rows.get(key);
    if (!row) {
      row = cloned(template);
      row.dataset.key = key;
    }
    fill(row, key);
    if (row === place) place = place.nextElementSibling;
    else parent.insertBefore(row, place);
  }
}

/** An element with properties and children, for what has no template. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function pill(element, status, text) {
  mark(element, "status", status);
  say(element, text);
}
