import type { PumpItem, PumpSource } from '../../src/realtime/pump-source.ts';

/** A service with a log of events, and streams on it, as an upstream has them. */
export interface TestSource extends PumpSource {
  /** Adds an event; its sequence is one above the last. */
  readonly emit: (text: string) => void;
  /** Breaks all streams after what was emitted so far. */
  readonly fail: (error: Error) => void;
  /** Ends all streams after what was emitted so far. */
  readonly end: () => void;
  /** Events up to now are kept no longer: who asks for them is refused. */
  readonly loseHistory: () => void;
  readonly until: (condition: () => boolean) => Promise<void>;
  /** What each stream was asked to begin after. */
  readonly opened: readonly (number | null)[];
  /** Streams that are open. */
  readonly streams: number;
  /** Events that were taken, by all streams together. */
  readonly pulled: number;
}

class Expired extends Error {}

/** An empty log. Every stream begins with a mark. */
export function createSource(): TestSource {
  const events: string[] = [];
  const opened: (number | null)[] = [];
  const looks = new Set<() => void>();
  /** By stream: how it ends, once it has given the events before. */
  const endings = new Map<symbol, { readonly at: number; readonly error?: Error }>();
  const open = new Set<symbol>();
  let kept = 0;
  let pulled = 0;
  const look = () => {
    for (const check of [...looks]) check();
  };
  const until = (condition: () => boolean, signal?: AbortSignal) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      if (condition() || signal?.aborted) resolve();
    };
    looks.add(check);
    signal?.addEventListener('abort', check, { once: true });
    check();
    return promise.finally(() => looks.delete(check));
  };

  async function* stream(after: number | null, signal: AbortSignal): AsyncGenerator<PumpItem> {
    const id = Symbol('stream');
    open.add(id);
    opened.push(after);
    look();
    try {
      let position = after ?? events.length;
      if (position < kept) throw new Expired('These events are no longer kept.');
      yield { sequence: position, payload: null };
      while (!signal.aborted) {
        await until(() => events.length > position || endings.has(id), signal);
        const ending = endings.get(id);
        if (ending !== undefined && ending.at <= position) {
          if (ending.error !== undefined) throw ending.error;
          return;
        }
        if (signal.aborted) return;
        position += 1;
        pulled += 1;
        look();
        yield { sequence: position, payload: events[position - 1] ?? '' };
      }
    } finally {
      open.delete(id);
      endings.delete(id);
      look();
    }
  }

  const finish = (error?: Error) => {
    for (const id of open) endings.set(id, { at: events.length, ...(error && { error }) });
    look();
  };

  return {
    open: stream,
    isExpired: (thrown) => thrown instanceof Expired,
    emit: (text) => {
      events.push(text);
      look();
    },
    fail: finish,
    end: () => finish(),
    loseHistory: () => {
      kept = events.length + 1;
    },
    until: (condition) => until(condition),
    opened,
    get streams() {
      return open.size;
    },
    get pulled() {
      return pulled;
    },
  };
}
