// Numbers, times, cards and amounts as a person reads them. Amounts stay strings from end to end: no
// floating point touches money.

/** "912.40", "EUR" -> "912.40 EUR"; thousands are grouped: "12,912.40 EUR". */
export function amount_words(amount: string | null, currency: string | null): string {
  if (amount === null) return "–";
  const [, sign, whole, rest] = /^(-?)(\d+)(\.\d+)?$/.exec(amount) ?? [];
  if (whole === undefined) return amount;
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const minus = sign === "-" ? "−" : "";
  return `${minus}${grouped}${rest ?? ""}${currency ? ` ${currency}` : ""}`;
}

/** "411111******1111" -> "4111 11•• •••• 1111". */
export function card_words(card: string | null): string {
  if (!card) return "no card";
  return card.replace(/\*/g, "•").replace(/(.{4})(?=.)/g, "$1 ");
}

/** Just the end of a masked card: "•• 1111". */
export function card_short(card: string | null): string {
  return card ? `•• ${card.slice(-4)}` : "no card";
}

/** 0.974 -> "0.97". Never shows 1.00 for less than 1, nor 0.00 for more than 0. */
export function score_words(score: number | null): string {
  if (score === null || !Number.isFinite(score)) return "–";
  if (score < 1 && score > 0.99) return "0.99";
  if (score > 0 && score < 0.01) return "<0.01";
  return score.toFixed(2);
}

const minute_s = 60, hour_s = 3600, day_s = 86400;

/** How long ago, in the largest whole unit: "now", "42 s", "5 min", "3 h", "12 d". */
export function age_words(then: string, now_ms: number): string {
  const seconds = Math.floor((now_ms - Date.parse(then)) / 1000);
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 5) return "now";
  if (seconds < minute_s) return `${seconds} s`;
  if (seconds < hour_s) return `${Math.floor(seconds / minute_s)} min`;
  if (seconds < 2 * day_s) return `${Math.floor(seconds / hour_s)} h`;
  return `${Math.floor(seconds / day_s)} d`;
}

/** A length of time in seconds: 42 -> "42 s", 5400 -> "1 h 30 min", 200000 -> "2 d 7 h". */
export function duration_words(seconds: number): string {
  const s = Math.round(Math.abs(seconds));
  if (s < minute_s) return `${s} s`;
  if (s < hour_s) return two_units(s, minute_s, "min", 1, "s");
  if (s < day_s) return two_units(s, hour_s, "h", minute_s, "min");
  return two_units(s, day_s, "d", hour_s, "h");
}

function two_units(s: number, large_s: number, large: string, small_s: number, small: string): string {
  const rest = Math.floor((s % large_s) / small_s);
  const whole = `${Math.floor(s / large_s)} ${large}`;
  return rest ? `${whole} ${rest} ${small}` : whole;
}

/** "2026-03-01T02:03:04.567Z" -> "02:03:04". */
export const clock_words = (time: string): string => valid(time) ? time_iso(time).slice(11, 19) : "–";
/** "2026-03-01T02:03:04.567Z" -> "1 Mar 2026". */
export function date_words(time: string): string {
  if (!valid(time)) return "–";
  const t = new Date(time);
  return `${t.getUTCDate()} ${months[t.getUTCMonth()]} ${t.getUTCFullYear()}`;
}
/** "2026-03-01T02:03:04.567Z" -> "1 Mar 02:03:04" (with the year when it is not `now_ms`'s). */
export function moment_words(time: string, now_ms: number): string {
  if (!valid(time)) return "–";
  const t = new Date(time);
  const year = t.getUTCFullYear() === new Date(now_ms).getUTCFullYear() ? "" : ` ${t.getUTCFullYear()}`;
  return `${t.getUTCDate()} ${months[t.getUTCMonth()]}${year} ${clock_words(time)}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const valid = (time: string): boolean => Number.isFinite(Date.parse(time));
const time_iso = (time: string): string => new Date(time).toISOString();

/** 900 us -> "0.90 ms", 4100 -> "4.1 ms", 2500000 -> "2.5 s"; 0 means that nothing was measured. */
export function latency_words(us: number): string {
  if (!Number.isFinite(us) || us <= 0) return "–";
  if (us < 10) return "<0.01 ms";
  if (us < 1000) return `${(us / 1000).toFixed(2)} ms`;
  if (us < 100_000) return `${(us / 1000).toFixed(1)} ms`;
  if (us < 1_000_000) return `${Math.round(us / 1000)} ms`;
  return `${(us / 1_000_000).toFixed(1)} s`;
}

/** 1536 -> "1.5 KiB". */
export function bytes_words(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = bytes, unit = 0;
  while (size >= 1024 && unit < units.length - 1) { size /= 1024; ++unit; }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** A whole number with grouped thousands, a fraction with at most two places. */
export function number_words(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const small = Math.abs(value) < 1 && value !== 0;
  return value.toLocaleString("en-GB", small ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 });
}

export const plural = (count: number, noun: string): string =>
  `${number_words(count)} ${noun}${count === 1 ? "" : "s"}`;
