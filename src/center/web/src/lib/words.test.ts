import assert from "node:assert/strict";
import { test } from "node:test";
import { compared_words, feature_words, value_words } from "./feature_words";
import { reason_bars } from "./reasons";
import {
  age_words, amount_words, bytes_words, card_words, duration_words, latency_words, moment_words, number_words,
  score_words,
} from "./words";

function table<A extends unknown[]>(name: string, fn: (...args: A) => string, rows: [A, string][]): void {
  test(name, () => {
    for (const [args, words] of rows) assert.equal(fn(...args), words, JSON.stringify(args));
  });
}

table("amounts", amount_words, [
  [["912.40", "EUR"], "912.40 EUR"],
  [["1234567.05", "USD"], "1,234,567.05 USD"],
  [["0", "JPY"], "0 JPY"],
  [["-1500.00", "EUR"], "−1,500.00 EUR"],
  [["90071992547409931234.01", "EUR"], "90,071,992,547,409,931,234.01 EUR"],
  [["1e3", "EUR"], "1e3"],
  [[null, null], "–"],
]);

table("cards", card_words, [
  [["411111******1111"], "4111 11•• •••• 1111"],
  [["371449*****8431"], "3714 49•• •••8 431"],
  [[null], "no card"],
]);

table("scores never round to certainty", score_words, [
  [[0.974], "0.97"], [[0.9999], "0.99"], [[1], "1.00"], [[0], "0.00"], [[0.0004], "<0.01"], [[null], "–"], [[NaN], "–"],
]);

const noon = Date.parse("2026-03-01T12:00:00Z");
table("ages", age_words, [
  [["2026-03-01T11:59:58Z", noon], "now"],
  [["2026-03-01T12:00:30Z", noon], "now"],
  [["2026-03-01T11:59:18Z", noon], "42 s"],
  [["2026-03-01T11:00:01Z", noon], "59 min"],
  [["2026-02-28T12:00:00Z", noon], "24 h"],
  [["2026-02-20T12:00:00Z", noon], "9 d"],
  [["rubbish", noon], "–"],
]);

table("moments are UTC and name another year", moment_words, [
  [["2026-03-01T02:03:04.567Z", noon], "1 Mar 02:03:04"],
  [["2025-12-31T23:59:59.999+01:00", noon], "31 Dec 2025 22:59:59"],
  [["", noon], "–"],
]);

table("durations", duration_words, [
  [[42], "42 s"], [[3600], "1 h"], [[5400], "1 h 30 min"], [[200_000], "2 d 7 h"],
]);

table("latencies", latency_words, [
  [[900], "0.90 ms"], [[4100], "4.1 ms"], [[250_000], "250 ms"], [[2_500_000], "2.5 s"], [[0], "–"], [[4], "<0.01 ms"],
]);

table("bytes", bytes_words, [[[17], "17 B"], [[1536], "1.5 KiB"], [[3 * 2 ** 30], "3.0 GiB"]]);
table("numbers", number_words, [[[1234.567], "1,234.57"], [[0.00012345], "0.00012"], [[0], "0"], [[NaN], "–"]]);

table("features", feature_words, [
  [["card_amount_sum_24h"], "Card: sum of amount, last 24 h"],
  [["card_count_10m"], "Card: payments, last 10 min"],
  [["merchant_fraud_rate_30d"], "Merchant: share of confirmed fraud, last 30 days"],
  [["card_merchant_distinct_7d"], "Card: different merchants, last 7 days"],
  [["card_count_distinct_merchant_1d"], "Card: different merchants, last 1 day"],
  [["card_category_amount_mean_30d"], "Card and category: mean amount, last 30 days"],
  [["card_time_since_last"], "Card: time since the last payment"],
  [["amount"], "Amount of this payment"],
  [["weird_thing"], "Weird thing"],
  [["card"], "Card"],
  [["device_age"], "Device: time since first seen"],
  [["customer_age"], "Age of the customer"],
]);

table("values", value_words, [
  [["card_time_since_last", 95], "1 min 35 s"],
  [["merchant_fraud_rate_30d", 0.042], "4.2 %"],
  [["card_speed", 812.7], "813 km/h"],
  [["category", "grocery"], "grocery"],
  [["anything", null], "unknown"],
  [["card_amount_sum_24h", 1388.9], "1,388.90"],
  [["device_age", 7200], "2 h"],
  [["customer_age", 47], "47"],
  [["weekday", 6], "Sunday"],
  [["hour", 3], "03:00"],
]);

test("a reason compares value and usual, when there is a usual", () => {
  const reason = { feature: "card_amount_sum_24h", value: 912.4, usual: 45.2, contribution: 2 };
  assert.equal(compared_words(reason), "912.40, usually 45.20");
  assert.equal(compared_words({ ...reason, usual: null }), "912.40");
});

test("a reason that comes with a sentence shows it alone; an older one its name and numbers", () => {
  const old = { feature: "card_count_10m", value: 7, usual: 1, contribution: 2 };
  const text = "7 payments of this card in the last 10 minutes, 1 is usual";
  const bars = reason_bars([{ ...old, text }, old, { ...old, text: "" }]);
  assert.deepEqual(bars.map((bar) => [bar.label, bar.compared]), [
    [text, ""], ["Card: payments, last 10 min", "7, usually 1"], ["Card: payments, last 10 min", "7, usually 1"]]);
});

test("bars: strongest first, length against the strongest, direction by sign", () => {
  const bars = reason_bars([
    { feature: "hour", value: 3, usual: 14, contribution: -0.5 },
    { feature: "amount", value: 900, usual: 40, contribution: 2 },
    { feature: "weekday", value: 1, usual: null, contribution: Number.NaN },
  ]);
  assert.deepEqual(bars.map((bar) => [bar.feature, bar.length, bar.towards_fraud, bar.contribution_words]),
    [["amount", 1, true, "+2.00"], ["hour", 0.25, false, "−0.50"]]);
  assert.equal(reason_bars([{ feature: "hour", value: 1, usual: 1, contribution: 0 }])[0]!.length, 0);
});
