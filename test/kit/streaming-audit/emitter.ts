import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { exchange } from './http-exchange.ts';
import { AuditFailure, AuditSkip, excerptOf } from './verdict.ts';

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
  const runOnce = async () => {
    const { status, text } = await exchange(url, {
      method: 'POST',
      // A key of its own for each run: servers that know such keys may ask for one, and run each key once.
      headers: { accept: 'application/json', 'idempotency-key': randomUUID(), ...headers },
      json: { query: mutation },
      timeoutMs,
    });
    if (status !== 200 || /^\s*\{\s*"errors"/.test(text) || text.includes('"data":null'))
      throw new AuditFailure('the mutation that publishes to succeed', `${status} ${excerptOf(text)}`);
  };
  const emit = async (count = 1) => {
    if (mutation === undefined) throw new AuditSkip('needs a mutation that publishes');
    for (let done = 0; done < count; done += atOnce)
      await Promise.all(Array.from({ length: Math.min(atOnce, count - done) }, runOnce));
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
