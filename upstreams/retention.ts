import { expireKeys } from './idempotency.ts';
import type { Outbox } from './outbox.ts';
import type { Store } from './store.ts';

const EVERY_MS = 3_600_000;

/** Removes old events and idempotency keys now and each hour. Answers what ends it, once nothing of it runs any more. */
export function startRetention(deps: {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly log: (line: string) => void;
}): () => Promise<void> {
  const { store, outbox, log } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  const clean = async () => {
    try {
      const events = await outbox.expire(undefined, signal);
      const keys = await expireKeys(store, undefined, signal);
      if (events + keys > 0) log(`retention: removed ${events} events and ${keys} idempotency keys`);
    } catch (error) {
      // The next round tries again; a database that is away is told of by those who need it.
      if (!signal.aborted) log(`retention: ${String(error)}`);
    }
  };
  let running = clean();
  const timer = setInterval(() => {
    running = running.then(clean);
  }, EVERY_MS);
  return async () => {
    clearInterval(timer);
    stopping.abort();
    await running;
  };
}
