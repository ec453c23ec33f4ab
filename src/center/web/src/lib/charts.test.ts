import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff_default, wait_ms } from "./backoff";
import type { Now, Recent } from "./contract";
import { parse_route, route_hash } from "./route";
import { appended, history_max, latency_columns, outcome_columns, rate_columns, score_columns } from "./series";
import { nice_ticks, timeline } from "./timeline";

const start = Date.parse("2026-03-01T12:00:00Z");
function now(second: number, over: Partial<Now> = {}): Now {
  return {
    time: new Date(start + second * 1000).toISOString(), per_second: 10,
    latency_us: { p50: 900, p99: 4100, p999: 9000 }, approve: 7, review: 2, decline: 1, queued: 0, alerts_open: 0, ...over,
  };
}

test("history keeps 15 minutes and one value a second", () => {
  let history: Now[] = [];
  for (let second = 0; second < history_max + 10; ++second) history = appended(history, now(second));
  assert.equal(history.length, history_max);
  assert.equal(Date.parse(history[0]!.time), start + 10_000);
  history = appended(history, now(history_max + 9, { per_second: 99 }));
  assert.equal(history.length, history_max);
  assert.equal(history.at(-1)!.per_second, 99);
});

test("a break in the statistics breaks the line", () => {
  const [times, rates] = rate_columns([now(0), now(1), now(60)]);
  assert.deepEqual(times.map((time) => time - start / 1000), [0, 1, 2, 60]);
  assert.deepEqual(rates, [10, 10, null, 10]);
});

test("latency is drawn in ms, outcomes are stacked", () => {
  assert.deepEqual(latency_columns([now(0)]).slice(1), [[0.9], [4.1]]);
  assert.deepEqual(outcome_columns([now(0)], false).slice(1), [[1], [3], [10]]);
  assert.deepEqual(outcome_columns([now(0)], true).slice(1), [[1], [3]]);
});

test("score buckets: left edges, nothing drawn for none", () => {
  assert.deepEqual(score_columns([5, 0, 2, 1]), [[0, 0.25, 0.5, 0.75], [5, null, 2, 1]]);
});

test("ticks are round and reach the top", () => {
  for (const top of [0.03, 1, 7, 99, 100, 101, 912.4, 12_345, 1e7]) {
    const ticks = nice_ticks(top);
    assert.ok(ticks.at(-1)! >= top && ticks.length >= 3 && ticks.length <= 6, `${top}: ${ticks}`);
    assert.equal(ticks[0], 0);
  }
  assert.deepEqual(nice_ticks(912.4), [0, 500, 1000]);
});

const frame = { width: 400, height: 100, left: 40, right: 10, top: 10, bottom: 20 };
const paid = (payment_id: string, event_time: string, amount: string): Recent =>
  ({ payment_id, event_time, amount, currency: "EUR", merchant: "m", category: "c", outcome: "approve", score: 0 });

test("timeline: time to the right, amount upwards, the alert's own marked, nothing outside", () => {
  const drawn = timeline(
    [paid("b", "2026-03-01T12:00:00Z", "900"), paid("a", "2026-03-01T10:00:00Z", "0")], new Set(["b"]), frame);
  const [b, a] = drawn.points;
  assert.deepEqual([a!.x, a!.y, b!.x], [40, 80, 390]);
  assert.ok(b!.y >= 10 && b!.y < 80 && b!.in_alert && !a!.in_alert);
  assert.deepEqual(drawn.time_ticks.map((tick) => tick.words), ["10:00", "12:00"]);
});

test("timeline of one payment, and of none, has finite places", () => {
  const one = timeline([paid("a", "2026-03-01T10:00:00Z", "0")], new Set(), frame).points[0]!;
  assert.ok(Number.isFinite(one.x) && Number.isFinite(one.y));
  assert.deepEqual(timeline([], new Set(), frame).points, []);
});

test("waits double with jitter up to the ceiling", () => {
  assert.equal(wait_ms(0, 1), backoff_default.first_ms);
  assert.equal(wait_ms(0, 0), backoff_default.first_ms / 2);
  assert.equal(wait_ms(3, 1), backoff_default.first_ms * 8);
  assert.equal(wait_ms(1000, 1), backoff_default.ceiling_ms);
});

test("routes survive the address and ignore rubbish", () => {
  const route = { view: "alerts", alert: 12, state: "confirmed" } as const;
  assert.deepEqual(parse_route(route_hash(route)), route);
  assert.deepEqual(parse_route("#/health"), { view: "health", alert: null, state: "open" });
  for (const hash of ["", "#", "#/alerts/x", "#/alerts/-1", "#/nowhere?state=evil", "#/alerts/99999999999999999999"]) {
    assert.deepEqual(parse_route(hash), { view: "alerts", alert: null, state: "open" }, hash);
  }
});
