// How long to wait before the next attempt to connect: doubling, with jitter, up to a ceiling.
//
//   const wait = wait_ms(attempt, Math.random());   // attempt counts from 0

export interface BackoffOptions {
  /** First wait in ms: a restart of the server takes about this long. */
  first_ms: number;
  /** Longest wait in ms: an analyst should not sit in front of a stale list for longer. */
  ceiling_ms: number;
}

export const backoff_default: BackoffOptions = { first_ms: 500, ceiling_ms: 15_000 };

/** Between half of the step and the whole of it, so that many pages do not come back in one instant. */
export function wait_ms(attempt: number, random: number, options = backoff_default): number {
  const step = Math.min(options.ceiling_ms, options.first_ms * 2 ** Math.min(attempt, 30));
  return Math.round(step * (0.5 + random / 2));
}
