// Declared features in an analyst's words: `card_amount_sum_24h` -> "Card: sum of amount, last 24 h". Names are
// chosen in the configuration, so this is a reading of the usual parts and falls back on the name itself.
//
//   feature_words("card_count_10m")                          // "Card: payments, last 10 min"
//   value_words("card_time_since_last", 42)                   // "42 s"
//   compared_words({feature, value: 912.4, usual: 45.2, ...}) // "912.4, usually 45.2"
import type { FeatureValue, Reason } from "./contract";
import { duration_words, number_words } from "./words";

const keys = ["card", "merchant", "device", "terminal", "customer", "account", "category", "country", "email", "ip"];

// In the order in which they are looked for: the longer name first. `of` says that the field stands inside.
const operations: { name: string; words: (field: string) => string }[] = [
  { name: "time_since_last", words: () => "time since the last payment" },
  { name: "seconds_since_last", words: () => "time since the last payment" },
  { name: "count_distinct", words: (field) => `different ${field ? plural_field(field) : "values"}` },
  { name: "first_seen_age", words: () => "time since first seen" },
  { name: "first_seen", words: () => "time since first seen" },
  { name: "fraud_count", words: () => "confirmed frauds" },
  { name: "fraud_rate", words: () => "share of confirmed fraud" },
  { name: "distinct", words: (field) => `different ${field ? plural_field(field) : "values"}` },
  { name: "distance", words: () => "distance from the last place" },
  { name: "speed", words: () => "speed from the last place" },
  { name: "age", words: () => "time since first seen" },
  { name: "stddev", words: (field) => `spread of ${field || "amount"}` },
  { name: "ratio", words: (field) => `${field || "amount"} against its own history` },
  { name: "count", words: () => "payments" },
  { name: "mean", words: (field) => `mean ${field || "amount"}` },
  { name: "sum", words: (field) => `sum of ${field || "amount"}` },
  { name: "min", words: (field) => `smallest ${field || "amount"}` },
  { name: "max", words: (field) => `largest ${field || "amount"}` },
];

const whole_names: Record<string, string> = {
  amount: "Amount of this payment",
  log_amount: "Amount of this payment (logarithm)",
  amount_log: "Amount of this payment (logarithm)",
  hour: "Hour of the day",
  weekday: "Day of the week",
  age: "Age of the customer",
  customer_age: "Age of the customer",
  category: "Kind of shop",
  merchant_category: "Kind of shop",
  distance: "Distance from home to shop",
};

const unit_words: Record<string, string> = { s: "s", m: "min", min: "min", h: "h", d: "days" };

export function feature_words(name: string): string {
  const whole = whole_names[name];
  if (whole) return whole;
  const { body, window } = split_window(name);
  const { key, rest } = split_key(body);
  const middle = operation_words(rest) ?? rest.replace(/_/g, " ");
  const text = key && middle ? `${capital(key)}: ${middle}` : capital(key || middle);
  return window ? `${text}, last ${window}` : text;
}

function split_window(name: string): { body: string; window: string } {
  const match = /^(.+)_(\d+)(s|m|min|h|d)$/.exec(name);
  if (!match) return { body: name, window: "" };
  const [, body = name, count = "", unit = ""] = match;
  const word = unit === "d" && count === "1" ? "day" : unit_words[unit];
  return { body, window: `${count} ${word}` };
}

// One key or a pair: card_, card_category_ (a pair only when an operation or field still follows).
function split_key(body: string): { key: string; rest: string } {
  const parts = body.split("_");
  const found: string[] = [];
  while (parts.length > 1 && found.length < 2 && keys.includes(parts[0]!)) {
    if (found.length === 1 && !pair_follows(parts)) break;
    found.push(parts.shift()!);
  }
  return { key: found.join(" and "), rest: parts.join("_") };
}

// `card_merchant_distinct_7d` counts merchants of a card; `card_merchant_count_7d` is about the pair.
function pair_follows(parts: string[]): boolean {
  return !/^(count_)?distinct/.test(parts.slice(1).join("_"));
}

function operation_words(rest: string): string | null {
  for (const operation of operations) {
    const at = `_${rest}_`.indexOf(`_${operation.name}_`);
    if (at < 0) continue;
    const field = rest.replace(operation.name, "").replace(/^_+|_+$/g, "").replace(/_+/g, " ");
    return operation.words(field.replace(/^of /, ""));
  }
  return null;
}

const plural_field = (field: string): string =>
  field.endsWith("y") ? `${field.slice(0, -1)}ies` : field.endsWith("s") ? field : `${field}s`;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const money = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** A feature's value with its unit where the name tells it. */
export function value_words(feature: string, value: FeatureValue): string {
  if (value === null || value === undefined) return "unknown";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value === "" ? "empty" : value;
  if (/time_since|seconds_since|first_seen/.test(feature) || (/_age$/.test(feature) && !whole_names[feature])) return duration_words(value);
  if (/fraud_rate/.test(feature)) return `${number_words(value * 100)} %`;
  if (/speed/.test(feature)) return `${number_words(Math.round(value))} km/h`;
  if (/distance/.test(feature)) return `${number_words(value)} km`;
  if (/ratio/.test(feature)) return `${number_words(value)} ×`;
  if (feature === "hour") return `${String(Math.floor(value)).padStart(2, "0")}:00`;
  if (feature === "weekday") return weekdays[value] ?? number_words(value);
  if (/amount/.test(feature) && !/log|ratio/.test(feature)) return money.format(value);
  return number_words(value);
}

/** Value against what is usual, as one phrase; no "usually" when nothing is known. */
export function compared_words(reason: Reason): string {
  const value = value_words(reason.feature, reason.value);
  if (reason.usual === null || reason.usual === undefined) return value;
  return `${value}, usually ${value_words(reason.feature, reason.usual)}`;
}
