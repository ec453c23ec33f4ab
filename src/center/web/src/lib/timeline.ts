// The card's recent payments as points in a drawing: time to the right, amount upwards.
import type { Recent } from "./contract";

export interface Point {
  payment: Recent;
  x: number;
  y: number;
  /** Belongs to the alert that is open. */
  in_alert: boolean;
}

export interface Timeline {
  points: Point[];
  amount_ticks: { y: number; words: string }[];
  time_ticks: { x: number; words: string }[];
}

export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export function timeline(recent: Recent[], in_alert: ReadonlySet<string>, frame: Frame): Timeline {
  const rows = recent.filter((one) => Number.isFinite(Date.parse(one.event_time)));
  const times = rows.map((one) => Date.parse(one.event_time));
  const amounts = rows.map((one) => Math.max(0, Number(one.amount) || 0));
  const ticks = nice_ticks(Math.max(...amounts, 1));
  const x = scale(Math.min(...times), Math.max(...times), frame.left, frame.width - frame.right);
  const y = scale(0, ticks.at(-1)!, frame.height - frame.bottom, frame.top);
  return {
    points: rows.map((payment, i) => ({
      payment, x: x(times[i]!), y: y(amounts[i]!), in_alert: in_alert.has(payment.payment_id),
    })),
    amount_ticks: ticks.map((tick) => ({ y: y(tick), words: tick.toLocaleString("en-GB") })),
    time_ticks: time_ticks(times).map((tick) => ({ x: x(tick.at), words: tick.words })),
  };
}

/** 0 and two to five round steps that reach `top`. */
export function nice_ticks(top: number): number[] {
  const rough = top / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((candidate) => candidate >= rough)!;
  const count = Math.ceil(top / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

// The two ends; the day is named when they lie on different days.
function time_ticks(times: number[]): { at: number; words: string }[] {
  if (!times.length) return [];
  const first = Math.min(...times), last = Math.max(...times);
  const iso = (at: number) => new Date(at).toISOString();
  const same_day = iso(first).slice(0, 10) === iso(last).slice(0, 10);
  const words = (at: number) => (same_day ? "" : `${day(at)} `) + iso(at).slice(11, 16);
  return first === last ? [{ at: first, words: words(first) }]
    : [first, last].map((at) => ({ at, words: words(at) }));
}

const day = (at: number): string =>
  new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

// A single moment (or amount) lies in the middle.
function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  if (!(to > from)) return () => (start + end) / 2;
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}
