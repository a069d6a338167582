import { setTimeout as delay } from 'node:timers/promises';
import { publish } from './publish.ts';
import { AuditSkip } from './verdict.ts';

/** Makes the server emit events of the subscription. */
export interface Emitter {
  /** Whether events can be caused; else they come by themselves. */
  readonly isCaused: boolean;
  /** Causes `count` events; skips the audit where they come by themselves. */
  readonly emit: (count?: number) => Promise<void>;
  /** Causes events again and again until `arrived` resolves, for subscriptions that nobody is told the start of. */
  readonly emitUntil: <Outcome>(arrived: Promise<Outcome>) => Promise<Outcome>;
}

/** How events are caused. */
export interface EmitterOptions {
  readonly url: URL;
  /** A mutation document each of whose runs causes one event; undefined: they come by themselves. */
  readonly mutation: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Between two tries. */
const retryMs = 40;
/** Mutations at a time. */
const atOnce = 16;

/** An emitter that runs a mutation over HTTP. */
export function createEmitter({ url, mutation, headers, timeoutMs }: EmitterOptions): Emitter {
  const emit = async (count = 1) => {
    if (mutation === undefined) throw new AuditSkip('needs a mutation that publishes');
    for (let done = 0; done < count; done += atOnce)
      await Promise.all(
        Array.from({ length: Math.min(atOnce, count - done) }, () =>
          publish({ url, document: mutation, headers, timeoutMs }),
        ),
      );
  };
  return {
    isCaused: mutation !== undefined,
    emit,
    emitUntil: async (arrived) => {
      if (mutation === undefined) return arrived;
      let isDone = false;
      const watched = arrived.finally(() => {
        isDone = true;
      });
      const publishing = (async () => {
        while (!isDone) {
          await emit();
          await Promise.race([watched.catch(() => {}), delay(retryMs)]);
        }
      })();
      const [outcome] = await Promise.all([watched, publishing]);
      return outcome;
    },
  };
}
