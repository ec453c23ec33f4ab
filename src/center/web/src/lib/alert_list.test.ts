import assert from "node:assert/strict";
import { test } from "node:test";
import { loaded, narrowed, neighbour, older_loaded, received, rows_max, show_arrivals } from "./alert_list";
import type { AlertState, Summary } from "./contract";

const time = "2026-03-01T12:00:00.000Z";
function alert(id: number, state: AlertState = "open", over: Partial<Summary> = {}): Summary {
  return {
    id, state, kind: "card", card: "411111******1111", outcome: "decline", score: 0.9, payments: 1, amount: "10.00",
    currency: "EUR", merchant: "Shop", opened: time, updated: time, title: `Alert ${id}`, ...over,
  };
}
const counts = { open: 2, confirmed: 5, dismissed: 7 };
const open_list = (next: number | null = null) =>
  loaded("open", { alerts: [alert(20), alert(10)], next, counts });
const ids = (alerts: Summary[]) => alerts.map((one) => one.id);

test("a held list does not move: what comes waits, newest first", () => {
  let list = received(open_list(), alert(21), true);
  list = received(list, alert(22), true);
  assert.deepEqual(ids(list.shown), [20, 10]);
  assert.deepEqual(ids(list.arrivals), [22, 21]);
  assert.equal(list.counts.open, 4);
  list = show_arrivals(list);
  assert.deepEqual(ids(list.shown), [22, 21, 20, 10]);
  assert.deepEqual([...list.fresh], [22, 21]);
  assert.deepEqual(list.arrivals, []);
});

test("a free list takes what comes on top and marks it fresh", () => {
  const list = received(open_list(), alert(21), false);
  assert.deepEqual(ids(list.shown), [21, 20, 10]);
  assert.ok(list.fresh.has(21) && !list.fresh.has(20));
});

test("an alert that grows stays in its row and is counted once", () => {
  const list = received(open_list(), alert(10, "open", { payments: 4 }), false);
  assert.deepEqual(ids(list.shown), [20, 10]);
  assert.equal(list.shown[1]!.payments, 4);
  assert.deepEqual(list.counts, counts);
});

test("a verdict leaves the row where it stands and moves the counts", () => {
  const list = received(open_list(), alert(20, "confirmed"), false);
  assert.deepEqual(ids(list.shown), [20, 10]);
  assert.equal(list.shown[0]!.state, "confirmed");
  assert.deepEqual(list.counts, { open: 1, confirmed: 6, dismissed: 7 });
});

test("an arrival decided before it was shown is dropped from the arrivals", () => {
  let list = received(open_list(), alert(21), true);
  list = received(list, alert(21, "dismissed"), true);
  assert.deepEqual(list.arrivals, []);
  assert.deepEqual(list.counts, { open: 2, confirmed: 5, dismissed: 8 });
});

test("an unknown alert of another state only marks the counts as stale", () => {
  const list = received(open_list(), alert(5, "confirmed"), false);
  assert.deepEqual(ids(list.shown), [20, 10]);
  assert.ok(list.counts_stale);
});

test("an alert beyond the loaded pages does not appear out of turn", () => {
  assert.deepEqual(ids(received(open_list(10), alert(3), false).shown), [20, 10]);
  assert.deepEqual(ids(received(open_list(null), alert(3), false).shown), [20, 10, 3]);
});

test("an older page that overlaps adds each alert once", () => {
  const list = older_loaded(open_list(10), { alerts: [alert(10), alert(9)], next: null, counts });
  assert.deepEqual(ids(list.shown), [20, 10, 9]);
  assert.equal(list.next, null);
});

test("rows are limited; the cut ones can be loaded again", () => {
  let list = open_list(null);
  for (let id = 21; id < 21 + rows_max; ++id) list = received(list, alert(id), true);
  list = show_arrivals(list);
  assert.equal(list.shown.length, rows_max);
  assert.equal(list.next, list.shown.at(-1)!.id);
});

test("j and k stop at the ends and start at the top", () => {
  const { shown } = open_list();
  assert.equal(neighbour(shown, null, 1)?.id, 20);
  assert.equal(neighbour(shown, 20, 1)?.id, 10);
  assert.equal(neighbour(shown, 10, 1)?.id, 10);
  assert.equal(neighbour(shown, 20, -1)?.id, 20);
  assert.equal(neighbour([], 20, 1), undefined);
});

test("narrowing: each word somewhere, and the outcome", () => {
  const rows = [
    alert(1, "open", { merchant: "Café Rossi", outcome: "review" }),
    alert(2, "open", { merchant: "Rossi Shoes", card: "555555******4242" }),
  ];
  const by = (text: string, outcome: "all" | "decline" | "review" = "all") => ids(narrowed(rows, { text, outcome }));
  assert.deepEqual(by("rossi"), [1, 2]);
  assert.deepEqual(by("rossi 4242"), [2]);
  assert.deepEqual(by("", "review"), [1]);
  assert.deepEqual(by("nobody"), []);
});
