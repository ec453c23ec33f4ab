// What an alert or outcome is called and which colour class it wears, in one place for list, detail and charts.
import type { AlertState, Outcome, Summary } from "./contract";

export type Severity = "decline" | "review" | "approve" | "guard" | "system";

export function severity_of(alert: Pick<Summary, "kind" | "outcome">): Severity {
  if (alert.kind !== "card") return alert.kind;
  return alert.outcome ?? "review";
}

export const severity_words: Record<Severity, string> = {
  decline: "Decline", review: "Review", approve: "Approve", guard: "Guard", system: "System",
};
export const outcome_words: Record<Outcome, string> = {
  decline: "Declined", review: "In review", approve: "Approved",
};
/** The outcome of a payment whose decision is not known here: "–". */
export const outcome_or_dash = (outcome: Outcome | null): string => (outcome ? outcome_words[outcome] : "–");
export const state_words: Record<AlertState, string> = {
  open: "Open", confirmed: "Confirmed fraud", dismissed: "Dismissed",
};
