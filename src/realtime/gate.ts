import { onAbort } from '../signal.ts';

/** Lets so many pieces of work run at once; the others wait in order. */
export interface Gate {
  /** Runs `work` when there is room. Rejects with the signal's reason when that aborts while waiting. */
  run<Outcome>(work: () => Promise<Outcome>, signal: AbortSignal): Promise<Outcome>;
}

/** A gate for `width` pieces of work, from 1. The line is as long as there are callers: they are what is bounded. */
export function createGate(width: number): Gate {
  const line = new Set<() => void>();
  let running = 0;

  async function enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (running < width) {
      running += 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    line.add(resolve);
    const unlink = onAbort(signal, () => {
      // Whose turn has come is in already, and will leave as the others do.
      if (line.delete(resolve)) reject(signal.reason);
    });
    await promise.finally(unlink);
  }

  /** The place goes to the next in line, if there is one, without being free in between. */
  function leave(): void {
    const [next] = line;
    if (next === undefined) {
      running -= 1;
      return;
    }
    line.delete(next);
    next();
  }

  return {
    run: async (work, signal) => {
      await enter(signal);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
