import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { IdempotencyStore } from './store.ts';

/** What {@link createInsistentStore} needs. */
export interface InsistentStoreOptions {
  /** The shared store. */
  readonly store: IdempotencyStore;
  readonly clock: Clock;
  /** Longest that one try may take. Default 400 ms. */
  readonly tryMs?: number;
  /** No try begins later than this after the first. Default 1,500 ms. */
  readonly patienceMs?: number;
  /** Runs at each failed try; no need to log each. Must not throw. */
  readonly onFailure?: (error: unknown) => void;
}

/** Between two tries, in milliseconds. */
const pauseMs = 50;

/**
 * A store that repeats what failed, which every call allows (see {@link IdempotencyStore}), and rejects with
 * `UPSTREAM_UNAVAILABLE` when it is out of patience. While the store is known to be away each claim has one try.
 */
export function createInsistentStore(options: InsistentStoreOptions): IdempotencyStore {
  const { store, clock, tryMs = 400, patienceMs = 1500, onFailure } = options;
  let isAway = false;

  async function insist<Reply>(call: () => Promise<Reply>, untilMs: number): Promise<Reply> {
    for (;;) {
      try {
        const reply = await within(call(), tryMs, clock);
        isAway = false;
        return reply;
      } catch (thrown) {
        if (thrown instanceof WeirError) throw thrown;
        onFailure?.(thrown);
        if (clock.nowMs() + pauseMs > untilMs) {
          isAway = true;
          throw unavailable(thrown);
        }
        await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
      }
    }
  }
  const patiently = <Reply>(call: () => Promise<Reply>) => insist(call, clock.nowMs() + patienceMs);

  return {
    claim: (request) => {
      const call = () => store.claim(request);
      return isAway ? insist(call, clock.nowMs()) : patiently(call);
    },
    // The next heartbeat is the next try.
    extend: (holder) => insist(() => store.extend(holder), clock.nowMs()),
    complete: (holder, answer) => patiently(() => store.complete(holder, answer)),
    release: (holder) => patiently(() => store.release(holder)),
    abandon: (holder) => patiently(() => store.abandon(holder)),
    close: store.close,
  };
}

function unavailable(cause: unknown): WeirError {
  return new WeirError('UPSTREAM_UNAVAILABLE', {
    message: 'The store of idempotency keys does not answer; send the operation again with the same key.',
    extensions: { retryAfterMs: 1000 },
    cause,
  });
}

/** What comes after the time is up is heard by nobody: a repetition has the same outcome. */
function within<Reply>(work: Promise<Reply>, timeoutMs: number, clock: Clock): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error(`No answer within ${timeoutMs} ms.`));
    // A busy event loop is given one turn to read what has arrived by then.
    const cancel = clock.after(timeoutMs, () => setImmediate(giveUp));
    work.finally(cancel).then(resolve, reject);
  });
}
