// Bringing operations in: from a file, or from the library. What is there already is replaced only by somebody who says so.

import { askedYes } from "./asking.js";
import { byId, make, say } from "./dom.js";
import { get, order } from "./http.js";
import { notice } from "./notice.js";
import { operationAddress } from "./run-words.js";

const LARGEST = 10_000_000;

/** Store an operation; one whose hash is taken becomes what somebody chooses. Returns the stored one, null where nothing came of it. */
export async function bringIn(document) {
  try {
    const known = document.Hash ? await there(document.Hash) : null;
    let sent = document;
    if (known) {
      say(byId("ask-there-text"), `${known.Name || known.Hash} (${known.Hash}) is at revision ${known.Revision}.`);
      await askedYes("ask-there");
      const chosen = byId("ask-there").returnValue;
      if (!chosen) return null;
      const { Hash: _, ...rest } = document;
      if (chosen === "copy") sent = { ...rest, Name: `${document.Name || document.Hash} (copy)` };
    }
    const stored = await order("/Operation", sent);
    notice(`${stored.Name || stored.Hash} is there, at revision ${stored.Revision}.`);
    byId("notice-text").append(" ", make("a", { href: operationAddress(stored.Hash), textContent: "Open it" }));
    return stored;
  } catch (error) {
    notice(error.message, "bad");
    return null;
  }
}

/** The operation of this hash; looked for and not asked for, since that nobody has it is no failure. */
async function there(hash) {
  const { Operations } = await get(`/api/operations?${new URLSearchParams({ text: hash, limit: 200 })}`);
  return Operations.find((one) => one.Hash === hash) ?? null;
}

export async function bringInFile(file) {
  if (file.size > LARGEST) return notice(`${file.name} is larger than any operation.`, "bad");
  let document;
  try {
    document = JSON.parse(await file.text());
  } catch (error) {
    return notice(`${file.name} is no JSON: ${error.message}`, "bad");
  }
  if (!document?.Graph || typeof document.Graph !== "object") return notice(`${file.name} holds no operation: it has no Graph.`, "bad");
  return bringIn(document);
}
