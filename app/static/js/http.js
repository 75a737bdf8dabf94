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
    this.fields = body.Fields ?? {};
  }
}

/** No answer: the hub may or may not have heard the request. */
export class Unheard extends Error {
  constructor() {
    super("The hub does not answer.");
    this.name = "Unheard";
  }
}

function explained(status, body) {
  const fields = Object.entries(body.Fields ?? {}).map(([path, texts]) => `${path}: ${[texts].flat().join(" ")}`);
  return [body.Error ?? `The hub answered ${status}.`, ...fields].join(" ");
}

async function ask(path, options, paged = false, patience = PATIENCE_MS) {
  let response, body;
  try {
    response = await fetch(path, { ...options, cache: "no-cache", signal: AbortSignal.timeout(patience) });
    body = await response.json();
  } catch {
    // Also an answer that breaks off, and one that is no JSON: whoever sent it was not the hub.
    throw new Unheard();
  }
  setClock(response.headers.get("Date"));
  if (!response.ok) throw new Refused(response.status, body ?? {});
  return paged ? { body, next: response.headers.get("X-Next-Cursor") } : body;
}

/** A page of a list, and the cursor of the next one; null on the last. */
export const page = (path) => ask(path, { headers: { Accept: "application/json" } }, true);

/** `patience`: milliseconds after which the answer is given up; the hub is asked to take as long. */
export const get = (path, patience = PATIENCE_MS) =>
  ask(path, { headers: { Accept: "application/json", ...(patience > PATIENCE_MS ? { Prefer: `wait=${Math.floor(patience / 1000) - 5}` } : {}) } }, false, patience);

const PAUSE_MS = 500, LONGEST_PAUSE_MS = 8_000, GIVE_UP_MS = 60_000;

export const send = (method, path, body, key, headers = {}) =>
  ask(path, { method, headers: { "Content-Type": "application/json", "Idempotency-Key": key, ...headers }, body: JSON.stringify(body) });

export const post = (path, body, key) => send("POST", path, body, key);

/** Whether the same request has to be sent again, under the same key, to learn what became of it. */
export const unknown = (error) => error instanceof Unheard || (error instanceof Refused && error.code === "outcome_unknown");

/** Order something and ask until its outcome is known: under one key it happens once, however often it is sent. */
export async function order(path, body = {}, method = "POST", headers = {}) {
  const key = freshKey(), until = Date.now() + GIVE_UP_MS;
  for (let wait = PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
    try {
      return await send(method, path, body, key, headers);
    } catch (error) {
      if (!unknown(error) || Date.now() + wait > until) throw error;
      await new Promise((done) => setTimeout(done, wait));
    }
  }
}

/** Ask what changes nothing, and ask again while nobody knows the answer: a databeacon may take longer than one request. */
export async function patiently(asking) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await asking();
    } catch (error) {
      if (!(error instanceof Refused && error.code === "outcome_unknown") || tries === 5) throw error;
    }
  }
}

/** A key that nobody else uses. Not randomUUID, which browsers withhold on plain HTTP beyond this machine. */
export function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
