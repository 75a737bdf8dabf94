// Values as people read them. app/lab/shown.py says the same at first paint; a browser test holds the two together.

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const LABELS = { RetryScheduled: "Retry", InProgress: "In progress", Failed: "Not accepted" };
const PREVIEW_LETTERS = 160;

// The hub's clock minus ours: ages are told by the hub's, whatever this machine believes.
let skew = 0;

export const now = () => Date.now() + skew;

/** Take the hub's time from an answer's Date header, which knows whole seconds only: small differences are no news. */
export function setClock(header) {
  const said = Date.parse(header ?? "");
  if (!Number.isNaN(said) && Math.abs(said - now()) > 2_000) skew = said - Date.now();
}

export const label = (word) => LABELS[word] ?? word;
export const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, " ");
export const letters = (number, most) => `${number}${number >= most ? "+" : ""} dead letter${number === 1 ? "" : "s"}`;

/** The time of day where the reader is; the date with it once that is not plain. */
export function clock(ms) {
  const then = new Date(ms);
  const time = then.toLocaleTimeString("en-GB");
  if (Math.abs(now() - ms) < DAY / 2) return time;
  return `${then.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })} ${time}`;
}


export function span(milliseconds) {
  if (milliseconds === null) return "";
  const ms = Math.max(0, Math.trunc(milliseconds));
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / 1_000)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} m ${Math.floor((ms % MINUTE) / 1_000)} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} m`;
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}

export function age(milliseconds) {
  if (milliseconds === null) return "";
  for (const [unit, length] of [["d", DAY], ["h", HOUR], ["m", MINUTE], ["s", 1_000]]) {
    if (milliseconds >= length) return `${Math.floor(milliseconds / length)} ${unit}`;
  }
  return "now";
}

export function between(start, end) {
  if (!start || !end) return null;
  return Math.max(0, (typeof end === "number" ? end : Date.parse(end)) - Date.parse(start));
}

export function preview(settings) {
  if (!settings || !Object.keys(settings).length) return "";
  const text = [settings.Command, ...Object.values(settings)].find((value) => typeof value === "string" && value);
  return line(text ?? JSON.stringify(settings));
}

const line = (text) => text.slice(0, 4 * PREVIEW_LETTERS).split(/\s+/).filter(Boolean).join(" ").slice(0, PREVIEW_LETTERS);

/** What is not well about an item: its error, or the exit code of a command that ended with one. */
export function note(item) {
  if (item.Status === "Error" || item.Status === "RetryScheduled") return line(item.LastError ?? "");
  if (item.Status === "Canceled") return line(item.CancelReason ?? "");
  const code = item.Result?.Outputs?.ExitCode;
  return code ? `exit code ${code}` : "";
}

/** What a beacon is called; for one that has left, what its id tells of it. */
export function beaconName(id, beacons) {
  if (!id) return "";
  return beacons.get(id)?.Name ?? /^bcn-(.+)-\d+-[0-9a-f]+$/.exec(id)?.[1] ?? id;
}

export const work = (item) => `${item.Capability} · ${item.Action}`;
export const short = (hash) => hash.slice(-8);

export function attempt(item) {
  if (!item.AttemptNumber) return "";
  return item.MaxAttempts > 1 ? `${item.AttemptNumber}/${item.MaxAttempts}` : String(item.AttemptNumber);
}

export const waitMs = (item) => (item.DispatchedAt ? item.QueueWaitMs : between(item.EnqueuedAt, item.CanceledAt ?? now()));

export function tookMs(item) {
  const ended = item.CompletedAt ?? item.CanceledAt;
  if (!item.DispatchedAt || (!ended && item.Status !== "Running" && item.Status !== "Stalled")) return null;
  return between(item.DispatchedAt, ended ?? now());
}

/** A beacon's last contact. One that counts as there is in contact by definition, so its figure need not run. */
export function contact(beacon) {
  if (beacon.Status !== "Offline") return "in contact";
  const silent = age(between(beacon.LastHeartbeat, now()));
  return silent && silent !== "now" ? `${silent} ago` : silent;
}
