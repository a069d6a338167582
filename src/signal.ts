import type { Clock } from './clock.ts';

/** A signal with the work that ends it: call `cleanup` when whatever waits on it is over. */
export interface OwnedSignal {
  readonly signal: AbortSignal;
  /** Removes every listener and timer behind the signal without aborting it. Idempotent. */
  readonly cleanup: () => void;
}

/** A moment after which nobody waits any more, with the signal that fires then. */
export interface Deadline extends OwnedSignal {
  /** The moment, in {@link Clock.nowMs} milliseconds. */
  readonly atMs: number;
  /** Milliseconds left, never below 0. */
  readonly remainingMs: () => number;
}

/** A signal that aborts with the first of `sources` that does, with that source's reason. */
export function linkSignals(...sources: readonly AbortSignal[]): OwnedSignal {
  const controller = new AbortController();
  const unlink = sources.map((source) => onAbort(source, () => controller.abort(source.reason)));
  const cleanup = () => {
    for (const end of unlink) end();
  };
  return { signal: controller.signal, cleanup };
}

/**
 * A deadline `timeoutMs` from now (0 or more) that also aborts with `parent`.
 * The reason of its own expiry is a `TimeoutError`, as AbortSignal.timeout gives (DOM section 3.2).
 */
export function createDeadline(timeoutMs: number, clock: Clock, parent?: AbortSignal): Deadline {
  const atMs = clock.nowMs() + timeoutMs;
  const controller = new AbortController();
  const expire = () =>
    controller.abort(new DOMException(`The deadline of ${timeoutMs} ms passed.`, 'TimeoutError'));
  const cancelTimer = clock.after(timeoutMs, expire);
  const unlink = parent ? onAbort(parent, () => controller.abort(parent.reason)) : () => {};
  return {
    atMs,
    signal: controller.signal,
    remainingMs: () => Math.max(0, atMs - clock.nowMs()),
    cleanup: () => {
      cancelTimer();
      unlink();
    },
  };
}

/** The outcome of `work`, or the reason of `signal` if that aborts first; the work itself goes on, and nobody hears of it. */
export async function unlessAborted<Outcome>(work: Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const unlink = onAbort(signal, () => reject(signal.reason));
  try {
    return await Promise.race([work, aborted]);
  } finally {
    unlink();
  }
}

/** Runs `listener` once when `signal` aborts, at once if it has; returns what removes it. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => {};
  }
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
