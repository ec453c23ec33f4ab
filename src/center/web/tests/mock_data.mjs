// Seeded made-up alerts, statistics and deliveries for the mock server; the same seed gives the same ones.

export function random_of(seed) {
  let state = seed >>> 0;
  return () => {  // mulberry32: small, and good enough to make up shops
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const merchants = [
  ["Lindner Elektronik, Köln", "electronics"], ["Bar Centrale, Milano", "food_dining"],
  ["TravelFox Online", "travel"], ["Mercato Verde, Torino", "grocery_pos"], ["PixelKeys Game Codes", "shopping_net"],
  ["Juwelier Hartmann, Wien", "jewellery"], ["Q8 Autobahn A7", "gas_transport"],
  ["Buchhandlung am Markt", "shopping_pos"], ["Hotel Bellavista, Nice", "travel"], ["Drogerie Sonne, Graz", "health"],
];
const bins = ["411111", "555555", "516732", "402400", "601100"];
const devices = ["android-7f21", "ios-03bc", "web-a9e0", "pos-1182"];

const pick = (random, list) => list[Math.floor(random() * list.length)];
const money = (value) => value.toFixed(2);
const at = (ms) => new Date(ms).toISOString();

/** Strings of an attacker: each must reach the reader as plain text. */
export const hostile = [
  `<img src=x onerror="window.__hacked=1">`,
  `"><script>window.__hacked=1</script>`,
  `javascript:window.__hacked=1//`,
  `{{constructor.constructor('window.__hacked=1')()}}`,
  "\u202Egnp.exe\u0000 " + "W".repeat(180),
];

export function make_alert(random, id, opened_ms, over = {}) {
  const card = `${pick(random, bins)}******${String(Math.floor(random() * 10000)).padStart(4, "0")}`;
  const decline = random() < 0.45;
  const count = 1 + Math.floor(random() * random() * 5);
  const payments_list = Array.from({ length: count }, (_, i) =>
    make_paid(random, `p-${id}-${count - i}`, opened_ms - i * 45_000, decline && i === 0));
  const top = payments_list[0];
  const total = payments_list.reduce((sum, paid) => sum + Number(paid.amount), 0);
  return {
    id, state: "open", kind: "card", card, outcome: top.outcome, score: Math.max(...payments_list.map((p) => p.score)),
    payments: count, amount: money(total), currency: "EUR", merchant: top.merchant,
    opened: at(opened_ms), updated: at(opened_ms),
    title: title_of(top, count), payments_list,
    recent: make_recent(random, payments_list, opened_ms), verdict_by: null, verdict_at: null, note: null, ...over,
  };
}

function title_of(paid, count) {
  if (count > 2) return `${count} payments in a few minutes`;
  return paid.outcome === "decline" ? "Unusual amount for this card" : "Unusual place for this card";
}

function make_paid(random, payment_id, ms, decline) {
  const [merchant, category] = pick(random, merchants);
  const score = decline ? 0.9 + random() * 0.099 : 0.55 + random() * 0.3;
  const amount = decline ? 300 + random() * 1800 : 40 + random() * 400;
  return {
    payment_id, event_time: at(ms), amount: money(amount), currency: "EUR", merchant, category,
    outcome: decline ? "decline" : "review", score, model: "demo-2026-02", late: random() < 0.12, guarded: !decline && random() < 0.1,
    approximate: random() < 0.1 ? ["merchant_fraud_rate_30d"] : [],
    reasons: make_reasons(random, amount),
    rules: decline ? ["decline if amount > 500 and card_count_10m >= 3"] : [],
    fields: { device: pick(random, devices), entry_mode: random() < 0.5 ? "chip" : "online" },
  };
}

function make_reasons(random, amount) {
  return [
    {
      feature: "card_amount_sum_24h", value: Number(money(amount * 1.6)), usual: 45.2, contribution: 1.4 + random() * 1.5,
      text: `this card's 24-hour total amount is ${money(amount * 1.6)} EUR, 45.20 EUR is usual`,
    },
    // As of decisions before there were sentences.
    { feature: "card_count_10m", value: 3 + Math.floor(random() * 4), usual: 1, contribution: 0.8 + random() },
    { feature: "card_time_since_last", value: 35 + Math.floor(random() * 60), usual: 91_000, contribution: 0.4 + random() * 0.6 },
    { feature: "card_merchant_distinct_7d", value: 9, usual: 4, contribution: 0.3 + random() * 0.4 },
    { feature: "merchant_fraud_rate_30d", value: 0.021, usual: 0.004, contribution: 0.2 + random() * 0.3 },
    { feature: "hour", value: 3, usual: 14, contribution: random() * 0.3 },
    { feature: "customer_age", value: 47, usual: null, contribution: -0.2 - random() * 0.5 },
  ];
}

function make_recent(random, payments_list, ms) {
  const before = Array.from({ length: 12 + Math.floor(random() * 14) }, (_, i) => {
    const [merchant, category] = pick(random, merchants);
    return {
      payment_id: `r-${ms}-${i}`, event_time: at(ms - 3_600_000 * (3 + i * 11 + random() * 8)),
      amount: money(4 + random() * random() * 120), currency: "EUR", merchant, category, outcome: "approve",
      score: random() * random() * 0.2,
    };
  });
  const own = payments_list.map(({ payment_id, event_time, amount, currency, merchant, category, outcome, score }) =>
    ({ payment_id, event_time, amount, currency, merchant, category, outcome, score }));
  Object.assign(before.at(-1), { outcome: null, score: null });
  return [...own, ...before].slice(0, 50);
}

export function guard_alert(id, ms) {
  return {
    id, state: "open", kind: "guard", card: null, outcome: null, score: null, payments: 0, amount: null, currency: null,
    merchant: null, opened: at(ms), updated: at(ms), title: "Declines passed 5 % of the last 1,000 payments: the guard turns them into reviews",
    detail: "57 of the last 1,000 payments were declined; the limit is 50.\nCheck the model and the rules, then reset the guard.",
    payments_list: [], recent: [], verdict_by: null, verdict_at: null, note: null,
  };
}

export function hostile_alert(random, id, ms) {
  const alert = make_alert(random, id, ms, {
    title: `Hostile ${hostile[0]}`, merchant: hostile[1], note: hostile[0],
  });
  Object.assign(alert.payments_list[0], {
    score: 0.999,  // the page opens the payment that scored highest
    merchant: hostile[1], category: hostile[2], rules: [hostile[3], hostile[0]], approximate: [hostile[1]],
    fields: { [hostile[0]]: hostile[1], device: hostile[4] },
    reasons: [{ feature: hostile[0], value: hostile[1], usual: hostile[2], contribution: 2 },
      { feature: hostile[1], value: 1, usual: null, contribution: 1, text: hostile[0] }],
  });
  Object.assign(alert.recent[0], { merchant: hostile[1], category: hostile[0] });
  return alert;
}

export function make_now(random, ms, alerts_open) {
  const wave = 1 + 0.25 * Math.sin(ms / 90_000);
  const per_second = Math.round((380 + random() * 60) * wave);
  const review = Math.floor(random() * 9), decline = Math.floor(random() * 4);
  const slow = random() < 0.02 ? 5 : 1;
  return {
    time: at(ms), per_second, approve: per_second - review - decline, review, decline,
    latency_us: {
      p50: Math.round(820 + random() * 160), p99: Math.round((3200 + random() * 1500) * slow),
      p999: Math.round((7000 + random() * 3000) * slow),
    },
    queued: random() < 0.1 ? Math.floor(random() * 20) : 0, alerts_open,
  };
}

/** Most payments score near 0, a few near 1. */
export function make_scores() {
  return Array.from({ length: 50 }, (_, i) => {
    const x = i / 50;
    return Math.round(90_000 * Math.exp(-x * 14) + 40 * Math.exp((x - 1) * 9) * 10 + 12);
  });
}

export function make_deliveries() {
  const dead = (id, alert, channel, last_error) => ({
    id, alert, channel, state: "dead", attempts: 8, last_error, next_attempt: null,
    message_id: `msg_2vK8x${id}Qe7`,
  });
  return [
    dead(41, 3, "email:fraud-desk", "smtp.bank.example:587: 550 5.1.1 mailbox does not exist"),
    dead(37, 2, "webhook:case-tool", "https://cases.bank.example/hook: 503 after 8 attempts over 6 h"),
    { id: 52, alert: 6, channel: "webhook:case-tool", state: "waiting", attempts: 2, last_error: "timed out after 10 s",
      next_attempt: at(Date.now() + 60_000), message_id: "msg_9aT52" },
  ];
}
