// The one stream of server-sent events, with its own reconnecting: the browser's stops for good at an HTTP
// error and never notices a silent line.
//
//   stream.start();
//   const stop = stream.on_alert((summary) => ...);
//   stream.connected, stream.retry_at_ms, stream.now   // reactive
import { get_me } from "./api";
import { wait_ms } from "./backoff";
import type { Now, Summary } from "./contract";

/** Statistics come each second; after this much silence the line is taken for dead. */
export const silence_ms_max = 10_000;

type AlertHandler = (alert: Summary) => void;

class Stream {
  connected = $state(false);
  /** Lost after having been there (the first connect shows no banner). */
  lost = $state(false);
  retry_at_ms = $state(0);
  last_heard_ms = $state(0);
  now = $state.raw<Now | null>(null);

  private source: EventSource | null = null;
  private attempt = 0;
  private retry_timer = 0;
  private silence_timer = 0;
  private alert_handlers = new Set<AlertHandler>();
  private reconnect_handlers = new Set<() => void>();

  start(): void {
    this.stop();
    this.connect();
  }

  stop(): void {
    window.clearTimeout(this.retry_timer);
    window.clearTimeout(this.silence_timer);
    this.source?.close();
    this.source = null;
    this.connected = false;
    this.lost = false;
    this.attempt = 0;
  }

  retry_now(): void {
    window.clearTimeout(this.retry_timer);
    this.connect();
  }

  on_alert(handler: AlertHandler): () => void {
    this.alert_handlers.add(handler);
    return () => this.alert_handlers.delete(handler);
  }

  /** Called when the stream is there again after a break: what came meanwhile must be fetched. */
  on_reconnect(handler: () => void): () => void {
    this.reconnect_handlers.add(handler);
    return () => this.reconnect_handlers.delete(handler);
  }

  private connect(): void {
    this.source?.close();
    const source = new EventSource("/api/stream");
    this.source = source;
    this.retry_at_ms = 0;
    this.watch_silence();
    source.onopen = () => this.opened();
    source.onerror = () => this.failed();
    source.addEventListener("alert", (event) => this.heard(event, (alert: Summary) => {
      for (const handler of this.alert_handlers) handler(alert);
    }));
    source.addEventListener("stats", (event) => this.heard(event, (now: Now) => { this.now = now; }));
  }

  private opened(): void {
    const again = this.lost;
    this.connected = true;
    this.lost = false;
    this.attempt = 0;
    this.last_heard_ms = Date.now();
    if (again) for (const handler of this.reconnect_handlers) handler();
  }

  private heard<T>(event: MessageEvent<string>, use: (value: T) => void): void {
    this.last_heard_ms = Date.now();
    this.watch_silence();
    use(JSON.parse(event.data) as T);
  }

  private watch_silence(): void {
    window.clearTimeout(this.silence_timer);
    this.silence_timer = window.setTimeout(() => this.failed(), silence_ms_max);
  }

  private failed(): void {
    window.clearTimeout(this.silence_timer);
    window.clearTimeout(this.retry_timer);
    this.source?.close();
    this.source = null;
    this.connected = false;
    this.lost = true;
    const wait = wait_ms(this.attempt++, Math.random());
    this.retry_at_ms = Date.now() + wait;
    this.retry_timer = window.setTimeout(() => this.connect(), wait);
    // A stream refused for want of a session says only "error"; /api/me tells, and signs out on 401.
    get_me().catch(() => undefined);
  }
}

export const stream = new Stream();
