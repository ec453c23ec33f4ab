// Reasons as bars: each bar's length is its share of the strongest push, right of the axis towards fraud, left
// of it away from fraud. The strongest come first.
import type { Reason } from "./contract";
import { compared_words, feature_words } from "./feature_words";

export interface Bar {
  feature: string;
  /** What the decision says; of an older one the feature's name in words. */
  label: string;
  /** The value against the usual one, where `label` does not say it. */
  compared: string;
  contribution: number;
  /** 0..1 of the longest bar. */
  length: number;
  towards_fraud: boolean;
  contribution_words: string;
}

export function reason_bars(reasons: Reason[]): Bar[] {
  const finite = reasons.filter((reason) => Number.isFinite(reason.contribution));
  const strongest = Math.max(0, ...finite.map((reason) => Math.abs(reason.contribution)));
  return finite
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
    .map((reason) => ({
      feature: reason.feature,
      label: reason.text || feature_words(reason.feature),
      compared: reason.text ? "" : compared_words(reason),
      contribution: reason.contribution,
      length: strongest > 0 ? Math.abs(reason.contribution) / strongest : 0,
      towards_fraud: reason.contribution > 0,
      contribution_words: signed(reason.contribution),
    }));
}

const signed = (value: number): string =>
  `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
