// Requests, and what can come of them.

import { setClock } from "./format.js";

const PATIENCE_MS = 15_000;

/** The hub answered, and the answer is no. `text` is its own explanation. */
export class Refused extends Error {
  constructor(status, body) {
    super(explained(status, body));
    this.status = status;
    this.code = body.Code ?? "";
    this.missing = body.Missing ?? [];
  }
}

/** No answer: the hub may or may not have heard the request. */
export class Unheard extends Error {
  constructor() {
    super("The hub does not answer.");
  }
}

function explained(status, body) {
  const fields = Object.entries(body.Fields ?? {}).map(([path, texts]) => `${path}: ${[texts].flat().join(" ")}`);
  return [body.Error ?? `The hub answered ${status}.`, ...fields].join(" ");
}

async function ask(path, options) {
  let response, body;
  try {
    response = await fetch(path, { ...options, cache: "no-cache", signal: AbortSignal.timeout(PATIENCE_MS) });
    body = await response.json();
  } catch {
    // Also an answer that breaks off, and one that is no JSON: whoever sent it was not the hub.
    throw new Unheard();
  }
  setClock(response.headers.get("Date"));
  if (!response.ok) throw new Refused(response.status, body ?? {});
  return body;
}

export const get = (path) => ask(path, { headers: { Accept: "application/json" } });

export const post = (path, body, key) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json", "Idempotency-Key": key }, body: JSON.stringify(body) });

/** A key that nobody else uses. Not randomUUID, which browsers withhold on plain HTTP beyond this machine. */
export function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
