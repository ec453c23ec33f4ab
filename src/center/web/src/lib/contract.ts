// The shapes that docs/center-api.md promises; names are the API's own. Times are RFC 3339 in UTC with
// milliseconds, amounts are decimal strings in `currency`, scores run from 0 to 1.

export type AlertState = "open" | "confirmed" | "dismissed";
export type Verdict = "confirmed" | "dismissed";
export type Outcome = "approve" | "review" | "decline";
export type Role = "analyst" | "admin";

export interface Me {
  user: string;
  role: Role;
}

export interface Summary {
  id: number;
  state: AlertState;
  kind: "card" | "guard" | "system";
  card: string | null;
  outcome: Outcome | null;
  score: number | null;
  payments: number;
  amount: string | null;
  currency: string | null;
  merchant: string | null;
  opened: string;
  updated: string;
  title: string;
}

export interface Counts {
  open: number;
  confirmed: number;
  dismissed: number;
}

export interface AlertPage {
  alerts: Summary[];
  next: number | null;
  counts: Counts;
}

export type FeatureValue = number | string | boolean | null;

export interface Reason {
  feature: string;
  value: FeatureValue;
  usual: FeatureValue;
  /** How far this feature pushed the score, in log-odds: above 0 towards fraud, below 0 away from it. */
  contribution: number;
  /** The same as a sentence; decisions of earlier versions have none. */
  text?: string;
}

export interface Recent {
  payment_id: string;
  event_time: string;
  amount: string;
  currency: string;
  merchant: string;
  category: string;
  /** null: accepted, and no decision is known here. */
  outcome: Outcome | null;
  score: number | null;
}

export interface Paid extends Recent {
  outcome: Outcome;
  score: number;
  model: string | null;
  late: boolean;
  /** The decline guard made a review of the model's decline. */
  guarded?: boolean;
  approximate: string[];
  reasons: Reason[];
  rules: string[];
  fields: Record<string, FeatureValue>;
}

export interface Alert extends Summary {
  /** Guard and system alerts: what happened and what to do. */
  detail?: string;
  payments_list: Paid[];
  recent: Recent[];
  verdict_by: string | null;
  verdict_at: string | null;
  note: string | null;
  /** The verdict is kept, its labels are not in the log yet. */
  labels_pending?: boolean;
}

export interface Now {
  time: string;
  per_second: number;
  latency_us: { p50: number; p99: number; p999: number };
  approve: number;
  review: number;
  decline: number;
  queued: number;
  alerts_open: number;
}

export interface Stats {
  now: Now;
  history: Now[];
  scores: { counts: number[] };
  decided: number;
}

export type DeliveryState = "waiting" | "delivered" | "dead";

export interface Delivery {
  id: number;
  alert: number;
  channel: string;
  state: DeliveryState;
  attempts: number;
  last_error: string | null;
  next_attempt: string | null;
  message_id: string;
}

export interface Status {
  mode: "decide" | "observe";
  model: string;
  guard: boolean;
  journal: { sequence: number; bytes: number };
  version: string;
}
