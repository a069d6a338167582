import type { Clock } from '../clock.ts';

/** An answer whose last part has not been sent. */
export interface UnfinishedAnswer {
  /** Sends no more than that what has not come will not come, as the format tells it. Idempotent. */
  readonly finish: () => void;
}

/** Milliseconds that a client has to take the last of its answer, and between two looks whether all have. */
const wait = { mostMs: 250, lookMs: 10 } as const;

/** Has every answer say what will not come, and gives their clients a moment to take it. */
export async function finishAnswers(unfinished: ReadonlySet<UnfinishedAnswer>, clock: Clock): Promise<void> {
  const untilMs = clock.nowMs() + wait.mostMs;
  for (const { finish } of [...unfinished]) finish();
  while (unfinished.size > 0 && clock.nowMs() < untilMs) {
    await new Promise<void>((resolve) => {
      clock.after(wait.lookMs, resolve);
    });
  }
}
