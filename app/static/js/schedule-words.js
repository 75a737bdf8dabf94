// How schedules and their moments are spoken of.

import { now, span } from "./format.js";
import { inLine, stateWord } from "./run-words.js";

export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
export const UNITS = [["days", 86_400_000], ["hours", 3_600_000], ["minutes", 60_000], ["seconds", 1_000]];

/** The largest unit that an interval is a whole number of, and that number. */
export function parted(milliseconds) {
  const [unit, length] = UNITS.find(([, length]) => milliseconds % length === 0) ?? ["seconds", 1_000];
  return [milliseconds / length, unit];
}

/** When, in words; the zone stands beside it. */
export function whenText({ ScheduleType: kind, Parameters: said, CronExpression: cron }) {
  if (kind === "cron") return cron;
  if (kind === "hourly") return "each hour, on the hour";
  if (kind === "daily") return "each day, at midnight";
  if (kind === "once") return `once, at ${inLine(said).replace("T", " ")}`;
  const [number, unit] = parted(said.IntervalMs);
  return number === 1 ? `each ${unit.slice(0, -1)}` : `every ${number} ${unit}`;
}

/** A moment where the reader is, with its day. */
export function localTime(iso) {
  const then = new Date(iso);
  return `${then.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" })}, ${then.toLocaleTimeString("en-GB")}`;
}

/** A moment on the wall clock of a zone, as machines write it; empty for a zone that the browser does not know. */
export function wallTime(iso, zone) {
  try {
    return new Date(iso).toLocaleString("sv-SE", { timeZone: zone }).replace(" ", "T");
  } catch {
    return "";
  }
}

export function untilText(iso) {
  const seconds = Math.ceil((Date.parse(iso) - now()) / 1_000);
  if (seconds <= 0) return "due now";
  return `in ${seconds < 60 ? `${seconds} s` : span(1_000 * seconds)}`;
}

/** What has become of a moment: what was skipped or missed never had a run, and looks like it. */
export const outcomeWord = (status) => ({ Queued: "Waits for its turn", Started: "Running" })[status] ?? stateWord(status);

export const scheduleName = (one) => one.OperationName || one.TargetHash;
