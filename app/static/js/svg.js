// Drawings: elements of SVG, made as those of the page are.

const NS = "http://www.w3.org/2000/svg";

export function draw(name, attributes = {}, ...children) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The element, with what the pointer finds on it. */
export function titled(element, text) {
  element.append(draw("title", {}, text));
  return element;
}
