import type { Clock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import { createDeadline } from '../signal.ts';
import type { ParsedKeys, VerificationKey } from './key-set.ts';

/** The times of a key source, in milliseconds. */
export interface KeyTimes {
  /** How long one read may take. */
  readonly timeoutMs: number;
  /** Least time between the starts of two reads; also the age from which keys are read again in the background. */
  readonly cooldownMs: number;
  /** From this age on nothing is verified before the keys were looked at again: a removed key is good no longer. */
  readonly maxAgeMs: number;
  /** While reads fail, how old the last good keys may become. */
  readonly maxStaleMs: number;
}

/** What a key reader is made of. */
export interface KeyReaderParts {
  /** What stands in the log for this source. */
  readonly name: string;
  /** The text of the keys; rejects when `signal` aborts. */
  readonly read: (signal: AbortSignal) => Promise<string>;
  readonly parse: (text: string) => ParsedKeys;
  readonly times: KeyTimes;
  readonly clock: Clock;
  readonly log?: Log | undefined;
}

/** Reads keys, one read at a time and not too often, and holds what the last good one gave. */
export interface KeyReader {
  /** The held keys by id; null before the first good read, and once that of the last is `maxStaleMs` ago. */
  readonly held: () => ReadonlyMap<string, VerificationKey> | null;
  /** Milliseconds since the last read that ended, well or not, began; infinite before the first. */
  readonly ageMs: () => number;
  /** Joins the read under way or starts one; does nothing within the cooldown or when closed. Never rejects. */
  readonly refresh: () => Promise<void>;
  /** Why the last read failed; null when it did not. */
  readonly fault: () => string | null;
  /** Ends a read under way and lets no other start. Idempotent. */
  readonly close: () => void;
}

/** Instead of a longer cooldown while there are no keys at all, so that a gateway that starts early recovers soon. */
const emptyCooldownMs = 5_000;

/** A reader that has read nothing yet. A read that fails leaves the held keys and logs one error. */
export function createKeyReader({ name, read, parse, times, clock, log }: KeyReaderParts): KeyReader {
  const closing = new AbortController();
  let keys: ReadonlyMap<string, VerificationKey> = new Map();
  let startedAtMs = Number.NEGATIVE_INFINITY;
  let checkedAtMs = Number.NEGATIVE_INFINITY;
  let loadedAtMs = Number.NEGATIVE_INFINITY;
  let fault: string | null = null;
  let reading: Promise<void> | null = null;

  const held = () => (clock.nowMs() - loadedAtMs < times.maxStaleMs ? keys : null);
  const readOnce = async (): Promise<void> => {
    const deadline = createDeadline(times.timeoutMs, clock, closing.signal);
    startedAtMs = clock.nowMs();
    try {
      const parsed = parse(await read(deadline.signal));
      if (!parsed.ok) throw new Error(parsed.fault);
      keys = new Map(parsed.keys.map((key) => [key.id, key]));
      loadedAtMs = startedAtMs;
      fault = null;
    } catch (error) {
      fault = error instanceof Error ? error.message : 'the read failed';
      const outcome = held() === null ? 'there are none to use' : 'the last good ones stay in use';
      if (!closing.signal.aborted) log?.error({ keys: name, fault }, `keys cannot be read; ${outcome}`);
    } finally {
      deadline.cleanup();
      checkedAtMs = startedAtMs; // not before its end: until then the held keys are as old as they were
      reading = null;
    }
  };
  const refresh = async (): Promise<void> => {
    const cooldownMs = held() === null ? Math.min(emptyCooldownMs, times.cooldownMs) : times.cooldownMs;
    const isDue = clock.nowMs() - startedAtMs >= cooldownMs && !closing.signal.aborted;
    if (reading === null && isDue) reading = readOnce();
    await reading;
  };
  const close = () => closing.abort();
  return { held, ageMs: () => clock.nowMs() - checkedAtMs, refresh, fault: () => fault, close };
}
