// The center's routes as functions. Each resolves to the answer's body or throws an ApiProblem, whose
// `message` is a sentence for the person at the screen.
//
//   const page = await list_alerts("open");
//   await give_verdict(12, "confirmed", "customer called");
//
// A 401 on any route but sign-in also calls the handler given to `on_signed_out`.
import type {
  Alert, AlertPage, AlertState, Delivery, DeliveryState, Me, Stats, Status, Verdict,
} from "./contract";

/** Status 0: no answer came (server away, network down, or over `answer_ms_max`). */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Seconds that the server asks to wait, from Retry-After. */
    readonly retry_after_s: number | null = null,
  ) {
    super(message);
  }
}

/** Longer than the server's own deadline for a page of alerts; after it a person should see an error. */
export const answer_ms_max = 15_000;
/** Rows asked for at once: about three screens. */
export const alerts_per_page = 50;

let signed_out: () => void = () => {};
export function on_signed_out(handler: () => void): void {
  signed_out = handler;
}

export const sign_in = (user: string, password: string): Promise<void> =>
  send("POST", "/api/session", { user, password });
export const sign_out = (): Promise<void> => send("DELETE", "/api/session");
export const get_me = (): Promise<Me> => send("GET", "/api/me");
export const get_alert = (id: number): Promise<Alert> => send("GET", `/api/alerts/${id}`);
export const get_stats = (): Promise<Stats> => send("GET", "/api/stats");
export const get_status = (): Promise<Status> => send("GET", "/api/status");
export const retry_delivery = (id: number): Promise<void> =>
  send("POST", `/api/deliveries/${id}/retry`);

export function list_alerts(
  state: AlertState,
  before: number | null = null,
  limit = alerts_per_page,
): Promise<AlertPage> {
  const query = new URLSearchParams({ state, limit: String(limit) });
  if (before !== null) query.set("before", String(before));
  return send("GET", `/api/alerts?${query}`);
}

export function give_verdict(id: number, verdict: Verdict, note: string): Promise<Alert> {
  return send("POST", `/api/alerts/${id}/verdict`, { verdict, note });
}

export async function list_deliveries(state: DeliveryState): Promise<Delivery[]> {
  const answer = await send<{ deliveries: Delivery[] }>("GET", `/api/deliveries?state=${state}`);
  return answer.deliveries;
}

async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch_or_problem(method, path, body);
  if (!response.ok) {
    if (response.status === 401 && path !== "/api/session") signed_out();
    throw await problem_of(response);
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function fetch_or_problem(method: string, path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Paywarden-Request"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(answer_ms_max),
    });
  } catch {
    throw new ApiProblem(0, "Paywarden does not answer. Check that it runs and try again.");
  }
}

async function problem_of(response: Response): Promise<ApiProblem> {
  const wait = Number(response.headers.get("Retry-After"));
  let words = "";
  try {
    const problem = (await response.json()) as { title?: string; detail?: string };
    words = problem.detail || problem.title || "";
  } catch {
    words = "";  // not problem+json: a proxy's page, or cut off
  }
  return new ApiProblem(
    response.status,
    words || `Paywarden answered ${response.status} ${response.statusText}`.trim(),
    Number.isFinite(wait) && wait > 0 ? wait : null,
  );
}
