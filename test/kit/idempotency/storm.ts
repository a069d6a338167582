import { randomUUID } from 'node:crypto';
import type { Submitter } from './submitter.ts';

/** What came of many requests at once with one key. */
export interface StormOutcome {
  readonly effects: number;
  /** Distinct texts of all successful answers. */
  readonly successes: readonly string[];
  /** Successful answers that were no replay. */
  readonly fresh: number;
  /** Status and code of each other answer, once. */
  readonly refusals: readonly string[];
}

/** Submits one order `count` times at once, through each of the gateways in turn. */
export async function runStorm(
  submitter: Submitter,
  urls: readonly string[],
  count: number,
): Promise<StormOutcome> {
  const key = `storm-${randomUUID()}`;
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) => submitter.submit(urls[index % urls.length] ?? '', key)),
  );
  const successes = answers.filter((answer) => answer?.isSuccess);
  const others = answers.filter((answer) => !answer?.isSuccess);
  return {
    effects: await submitter.effects(key),
    successes: [...new Set(successes.map((answer) => answer?.text ?? ''))],
    fresh: successes.filter((answer) => answer?.isReplayed === false).length,
    refusals: [
      ...new Set(others.map((answer) => (answer ? `${answer.status} ${answer.code}` : 'no answer'))),
    ],
  };
}
