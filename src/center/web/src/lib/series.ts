// The last 15 minutes of statistics as columns for the charts, one value a second.
//
//   let history = appended(stats.history, now);
//   const data = rate_columns(history);   // [times in s, payments/s]
import type { Now } from "./contract";

/** One a second for 15 minutes: as many as the server keeps. */
export const history_max = 900;
/** Seconds without statistics after which a line is broken instead of drawn through. */
export const gap_s = 5;

export type Columns = [number[], ...(number | null)[][]];

/** Adds `now`, drops what is older than 15 minutes, and replaces a value of the same second. */
export function appended(history: Now[], now: Now): Now[] {
  const second = second_of(now);
  const earlier = history.filter((one) => second_of(one) < second);
  return [...earlier, now].slice(-history_max);
}

export const rate_columns = (history: Now[]): Columns =>
  columns(history, [(now) => now.per_second]);

export const latency_columns = (history: Now[]): Columns =>
  columns(history, [(now) => now.latency_us.p50 / 1000, (now) => now.latency_us.p99 / 1000]);

/** Stacked from the bottom: decline, + review, + approve (left out with `suspicious_only`). */
export function outcome_columns(history: Now[], suspicious_only: boolean): Columns {
  const stacks = [(now: Now) => now.decline, (now: Now) => now.decline + now.review];
  if (!suspicious_only) stacks.push((now) => now.decline + now.review + now.approve);
  return columns(history, stacks);
}

/** Score counts as [left edges of the buckets, counts]. */
export function score_columns(counts: number[]): Columns {
  const width = 1 / Math.max(1, counts.length);
  return [counts.map((_, i) => i * width), counts.map((count) => count || null)];
}

function columns(history: Now[], picks: ((now: Now) => number)[]): Columns {
  const times: number[] = [];
  const values: (number | null)[][] = picks.map(() => []);
  for (const now of history) {
    const time = Date.parse(now.time) / 1000;
    const last = times.at(-1);
    if (last !== undefined && time - last > gap_s) {
      times.push(last + 1);
      values.forEach((column) => column.push(null));
    }
    times.push(time);
    picks.forEach((pick, i) => values[i]!.push(pick(now)));
  }
  return [times, ...values];
}

const second_of = (now: Now): number => Math.floor(Date.parse(now.time) / 1000);
