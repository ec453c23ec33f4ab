// The alerts that the page holds: the list of the chosen state, and the one that is open. The rules of the list
// are in alert_list.ts; here they meet the API and the stream.
import { get_alert, give_verdict, list_alerts } from "./api";
import {
  loaded, older_loaded, received, show_arrivals, type AlertList, type Narrowing,
} from "./alert_list";
import type { Alert, AlertState, Counts, Summary, Verdict } from "./contract";
import type { stream } from "./stream.svelte";
import { amount_words } from "./words";

/** Several verdicts in a burst ask for the counts once. */
const counts_wait_ms = 700;
/** j held down opens the row where it stops, not every row on the way. */
const open_wait_ms = 130;

class Alerts {
  list = $state.raw<AlertList | null>(null);
  list_problem = $state("");
  counts = $state.raw<Counts | null>(null);
  older_busy = $state(false);
  /** The reader is in the list: nothing may move there. Set by the list's view. */
  held = $state(false);
  narrowing = $state<Narrowing>({ text: "", outcome: "all" });
  /** Spoken by screen readers. */
  news = $state("");

  open_id = $state<number | null>(null);
  open_alert = $state.raw<Alert | null>(null);
  open_problem = $state("");

  private counts_timer = 0;
  private open_timer = 0;
  private wanted_state: AlertState = "open";

  /** Listens until the returned function is called. */
  follow(source: typeof stream): () => void {
    const stops = [
      source.on_alert((alert) => this.receive(alert)),
      source.on_reconnect(() => this.refresh()),
    ];
    return () => stops.forEach((stop) => stop());
  }

  async load(state: AlertState): Promise<void> {
    this.wanted_state = state;
    this.list = null;
    await this.fetch_list(state);
  }

  /** After a break of the stream: what came meanwhile, without emptying the screen. */
  refresh(): void {
    void this.fetch_list(this.wanted_state);
    if (this.open_id !== null) void this.fetch_alert(this.open_id);
  }

  async load_older(): Promise<void> {
    const list = this.list;
    if (!list?.next || this.older_busy) return;
    this.older_busy = true;
    this.list_problem = "";
    try {
      const page = await list_alerts(list.state, list.next);
      if (this.list?.state === list.state) this.set_list(older_loaded(this.list, page));
    } catch (problem) {
      this.list_problem = (problem as Error).message;
    }
    this.older_busy = false;
  }

  show_arrivals(): void {
    if (this.list) this.set_list(show_arrivals(this.list));
  }

  /** Opens an alert after a moment, so that only the last of many quick calls asks the server. */
  open(id: number | null): void {
    if (id === this.open_id) return;
    window.clearTimeout(this.open_timer);
    this.open_id = id;
    this.open_alert = null;
    this.open_problem = "";
    if (id !== null) this.open_timer = window.setTimeout(() => void this.fetch_alert(id), open_wait_ms);
  }

  reopen(): void {
    this.open_problem = "";
    if (this.open_id !== null) void this.fetch_alert(this.open_id);
  }

  /** Throws the ApiProblem for the verdict bar to show. */
  async decide(id: number, verdict: Verdict, note: string): Promise<void> {
    const alert = await give_verdict(id, verdict, note);
    if (this.open_id === id) this.open_alert = alert;
    if (this.list) this.set_list(received(this.list, alert, this.held));
    this.news = verdict === "confirmed" ? `Alert ${id} confirmed as fraud` : `Alert ${id} dismissed`;
  }

  private receive(alert: Summary): void {
    const known = this.list?.shown.some((row) => row.id === alert.id);
    if (this.list) this.set_list(received(this.list, alert, this.held));
    if (!known && alert.state === "open") this.news = `New alert: ${alert.title}, ${amount_words(alert.amount, alert.currency)}`;
    if (this.open_id === alert.id && this.open_alert?.updated !== alert.updated) void this.fetch_alert(alert.id);
  }

  private set_list(list: AlertList): void {
    this.list = list;
    this.counts = list.counts;
    if (list.counts_stale) this.ask_counts();
  }

  private ask_counts(): void {
    window.clearTimeout(this.counts_timer);
    this.counts_timer = window.setTimeout(async () => {
      const page = await list_alerts("open", null, 1).catch(() => null);  // the next change asks again
      if (page && this.list) this.set_list({ ...this.list, counts: page.counts, counts_stale: false });
    }, counts_wait_ms);
  }

  private async fetch_list(state: AlertState): Promise<void> {
    this.list_problem = "";
    try {
      const page = await list_alerts(state);
      if (state === this.wanted_state) this.set_list(loaded(state, page));
    } catch (problem) {
      if (state === this.wanted_state) this.list_problem = (problem as Error).message;
    }
  }

  private async fetch_alert(id: number): Promise<void> {
    try {
      const alert = await get_alert(id);
      if (this.open_id === id) this.open_alert = alert;
    } catch (problem) {
      if (this.open_id === id) this.open_problem = (problem as Error).message;
    }
  }
}

export const alerts = new Alerts();
