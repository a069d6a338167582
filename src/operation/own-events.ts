import type { ExecutionResult } from 'graphql';
import { WeirError } from '../errors.ts';
import { createTally, type OpenTally, type Tally } from '../guard/cost/tally.ts';
import type { EventAccount } from './event-account.ts';

/** What the events of a subscriber's own stream are executed and paid with. */
export interface OwnEventsParts {
  /** Executes the subscription for one event of the stream. */
  readonly execute: (event: unknown, tally: OpenTally) => ExecutionResult | Promise<ExecutionResult>;
  readonly pointsOf: (tally: Tally) => number;
  readonly account: Pick<EventAccount, 'payFirst' | 'refused'>;
  /** The event as its subscriber is told of it. */
  readonly tell: (result: ExecutionResult) => ExecutionResult;
}

/**
 * The events of a stream that its subscriber has for itself, each executed and paid for when it is asked for (GraphQL
 * specification, section 6.2.3.2). Ends with the refusal of the one that cannot be paid for. By hand, as settleEvents is.
 */
export function ownEvents(
  stream: AsyncIterable<unknown>,
  { execute, pointsOf, account, tell }: OwnEventsParts,
): AsyncIterableIterator<ExecutionResult, undefined> {
  const iterator = stream[Symbol.asyncIterator]();
  const end = async () => {
    await iterator.return?.();
    return { done: true, value: undefined } as const;
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      const step = await iterator.next();
      if (step.done) return { done: true, value: undefined };
      const tally = createTally();
      const result = await execute(step.value, tally);
      if (await account.payFirst(pointsOf(tally))) return { done: false, value: tell(result) };
      await end();
      throw account.refused() ?? new WeirError('RATE_LIMITED');
    },
    return: end,
  };
}
