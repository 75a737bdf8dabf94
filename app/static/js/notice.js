// What became of what one has done, in a line that goes by itself when all is well.

import { byId, mark, say, show } from "./dom.js";

const GOOD_MS = 6_000;
let timer = 0;

/** Say it; `bad` stays until it is dismissed. */
export function notice(text, kind = "good") {
  clearTimeout(timer);
  mark(byId("notice"), "kind", kind);
  show(byId("notice"), true);
  say(byId("notice-text"), text);
  if (kind === "good") timer = setTimeout(() => show(byId("notice"), false), GOOD_MS);
}

/** Do it and say what became of it. Returns the outcome, null when it was refused. */
export async function done(doing, words) {
  try {
    const outcome = await doing;
    notice(typeof words === "function" ? words(outcome) : words);
    return outcome;
  } catch (error) {
    notice(error.message, "bad");
    return null;
  }
}

byId("notice-close").addEventListener("click", () => show(byId("notice"), false));
