// The list of alerts as a value: what happens to it when the server sends a new or changed alert. The list
// never moves under the reader: while `held` is set, new alerts wait in `arrivals` until `show_arrivals`.
//
//   let list = loaded("open", page);
//   list = received(list, summary, true);   // held: goes to list.arrivals
//   list = show_arrivals(list);             // now on top of list.shown, marked in list.fresh
import type { AlertPage, AlertState, Counts, Summary } from "./contract";

export interface AlertList {
  state: AlertState;
  /** Newest first (highest id first). */
  shown: Summary[];
  /** Came while the list was held; newest first. */
  arrivals: Summary[];
  /** Ids that came after the list was loaded and are drawn with a highlight. */
  fresh: ReadonlySet<number>;
  counts: Counts;
  /** Where the next older page starts, or null at the end. */
  next: number | null;
  /** A count that only the server can know (an alert not in the list changed its state). */
  counts_stale: boolean;
}

/** Rows kept in the page: far more than anyone scrolls, and still quick to draw. */
export const rows_max = 1000;

export function loaded(state: AlertState, page: AlertPage): AlertList {
  return {
    state, shown: page.alerts, arrivals: [], fresh: new Set(), counts: page.counts,
    next: page.next, counts_stale: false,
  };
}

export function older_loaded(list: AlertList, page: AlertPage): AlertList {
  const known = new Set(list.shown.map((alert) => alert.id));
  const added = page.alerts.filter((alert) => !known.has(alert.id));
  return { ...list, shown: [...list.shown, ...added], next: page.next, counts: page.counts };
}

/** A summary from the stream. A known alert is updated where it stands, also when its state left the filter. */
export function received(list: AlertList, alert: Summary, held: boolean): AlertList {
  const known = find(list, alert.id);
  if (known) return { ...replace(list, alert), counts: moved(list.counts, known.state, alert.state) };
  const counted = count_unknown(list, alert);
  if (alert.state !== list.state || !in_loaded_range(list, alert)) return counted;
  const arrivals = [alert, ...list.arrivals].sort(newest_first);
  return held ? { ...counted, arrivals } : show_arrivals({ ...counted, arrivals });
}

export function show_arrivals(list: AlertList): AlertList {
  if (!list.arrivals.length) return list;
  const shown = [...list.arrivals, ...list.shown].sort(newest_first);
  const cut = shown.length > rows_max;
  return {
    ...list,
    shown: shown.slice(0, rows_max),
    next: cut ? shown[rows_max - 1]!.id : list.next,
    arrivals: [],
    fresh: new Set([...list.fresh, ...list.arrivals.map((alert) => alert.id)]),
  };
}

/** The alert one row further down (+1) or up (-1) from `id`; without `id`, the first. */
export function neighbour(shown: Summary[], id: number | null, step: 1 | -1): Summary | undefined {
  const at = shown.findIndex((alert) => alert.id === id);
  if (at < 0) return shown[0];
  return shown[Math.min(shown.length - 1, Math.max(0, at + step))];
}

export interface Narrowing {
  text: string;
  outcome: "all" | "decline" | "review";
}

/** The rows that match what the reader typed: card digits, merchant or title, each word somewhere. */
export function narrowed(shown: Summary[], by: Narrowing): Summary[] {
  const words = by.text.toLowerCase().split(/\s+/).filter(Boolean);
  return shown.filter((alert) => {
    if (by.outcome !== "all" && alert.outcome !== by.outcome) return false;
    const text = `${alert.id} ${alert.title} ${alert.merchant ?? ""} ${alert.card ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function find(list: AlertList, id: number): Summary | undefined {
  const same = (alert: Summary) => alert.id === id;
  return list.shown.find(same) ?? list.arrivals.find(same);
}

function replace(list: AlertList, alert: Summary): AlertList {
  const swap = (row: Summary) => (row.id === alert.id ? alert : row);
  const arrivals = list.arrivals.map(swap).filter((row) => row.state === list.state);
  return { ...list, shown: list.shown.map(swap), arrivals };
}

// Seen for the first time: surely new only on top of the open list; else it may have come from any state.
function count_unknown(list: AlertList, alert: Summary): AlertList {
  const newest = Math.max(list.shown[0]?.id ?? 0, list.arrivals[0]?.id ?? 0);
  if (list.state !== "open" || alert.state !== "open" || alert.id <= newest) {
    return { ...list, counts_stale: true };
  }
  return { ...list, counts: moved(list.counts, null, "open") };
}

function in_loaded_range(list: AlertList, alert: Summary): boolean {
  const oldest = list.shown.at(-1);
  return list.next === null || oldest === undefined || alert.id > oldest.id;
}

function moved(counts: Counts, from: AlertState | null, to: AlertState): Counts {
  if (from === to) return counts;
  const next = { ...counts, [to]: counts[to] + 1 };
  if (from) next[from] = Math.max(0, next[from] - 1);
  return next;
}

const newest_first = (a: Summary, b: Summary): number => b.id - a.id;
