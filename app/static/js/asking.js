// Questions of a page in dialogs of its template: a form of method dialog whose button of value `yes` means yes.

import { byId } from "./dom.js";

/** Open a question; resolves once it is closed, to whether the answer was yes. The first field has the focus. */
export function askedYes(id, first = null) {
  const dialog = byId(id), from = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  first?.focus();
  first?.select?.();
  return new Promise((closed) =>
    dialog.addEventListener("close", () => {
      if (from?.isConnected) from.focus();
      closed(dialog.returnValue === "yes");
    }, { once: true }),
  );
}

/** What is wrong with a text that should be a JSON object; empty when nothing is. Nothing at all counts as an empty object. */
export function objection(text) {
  if (!text.trim()) return "";
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? "" : "This has to be a JSON object: { … }.";
  } catch (error) {
    return `This is no JSON: ${error.message}`;
  }
}

export const objectIn = (text) => (text.trim() ? JSON.parse(text) : {});

/** Keep a question open as long as one of its fields is no JSON object. `error` is where that is said. */
export function holdWhileWrong(id, field, error) {
  byId(id).querySelector("form").addEventListener("submit", (event) => {
    const wrong = event.submitter?.value === "yes" ? objection(byId(field).value) : "";
    byId(error).textContent = wrong;
    if (!wrong) return;
    event.preventDefault();
    byId(field).focus();
  });
}

/** A file that the page has made, for the browser to save. */
export function saveAs(name, text, type = "application/json") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
