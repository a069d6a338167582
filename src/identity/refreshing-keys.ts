import type { Clock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import { createDeadline } from '../signal.ts';
import { maxCandidates, type ParsedKeys, type TokenAlgorithm, type VerificationKey } from './key-set.ts';
import { tokenRefusal } from './token-refusal.ts';

/** The keys that tokens are verified with, wherever they come from. */
export interface KeySource {
  /**
   * The keys that a token of this algorithm and key id (null: it has none) may be signed with, at most
   * {@link maxCandidates}; none when there are more. Rejects with KEYS_UNAVAILABLE when no keys are to be had.
   */
  readonly find: (algorithm: TokenAlgorithm, kid: string | null) => Promise<readonly VerificationKey[]>;
  /** Whether the key of this id is known to be good right now; false means: ask `find`. Costs no wait. */
  readonly trusts: (keyId: string) => boolean;
  /** Reads the keys unless that was done: null, or the sentence that says why there are none. For start-up and `/readyz`. */
  readonly ready: () => Promise<string | null>;
  /** Ends a fetch under way and starts no other. Idempotent. */
  readonly close: () => void;
}

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

/** What refreshing keys are made of. */
export interface RefreshingKeysParts {
  /** What stands in the log for this source. */
  readonly name: string;
  /** The text of the keys; rejects when `signal` aborts. */
  readonly read: (signal: AbortSignal) => Promise<string>;
  readonly parse: (text: string) => ParsedKeys;
  readonly times: KeyTimes;
  readonly clock: Clock;
  readonly log?: Log | undefined;
}

/** Instead of the cooldown while there are no keys at all, so that a gateway that starts early recovers soon. */
const emptyCooldownMs = 5_000;

/**
 * Keys that are read when first needed and kept: younger than `cooldownMs` they are used as they are, up to `maxAgeMs`
 * while a read runs in the background, from then on only after one. When a read fails, that counts as a look, the last
 * good keys serve for `maxStaleMs` and the log gets one error. A key id that is not known causes a read too, but never
 * within the cooldown, so a flood of made-up ones costs one read. All waiting share one read.
 */
export function createRefreshingKeys(parts: RefreshingKeysParts): KeySource {
  const { name, read, parse, times, clock, log } = parts;
  const closing = new AbortController();
  let keys: ReadonlyMap<string, VerificationKey> = new Map();
  let startedAtMs = Number.NEGATIVE_INFINITY;
  let checkedAtMs = Number.NEGATIVE_INFINITY;
  let loadedAtMs = Number.NEGATIVE_INFINITY;
  let fault: string | null = null;
  let reading: Promise<void> | null = null;

  const hasKeys = () => clock.nowMs() - loadedAtMs < times.maxStaleMs;
  const ageMs = () => clock.nowMs() - checkedAtMs;
  const mayRead = (): boolean => {
    if (closing.signal.aborted) return false;
    const cooldownMs = hasKeys() ? times.cooldownMs : Math.min(emptyCooldownMs, times.cooldownMs);
    return reading !== null || clock.nowMs() - startedAtMs >= cooldownMs;
  };

  const readOnce = async (): Promise<void> => {
    const deadline = createDeadline(times.timeoutMs, clock, closing.signal);
    const beganAtMs = clock.nowMs();
    startedAtMs = beganAtMs;
    try {
      const parsed = parse(await read(deadline.signal));
      if (!parsed.ok) throw new Error(parsed.fault);
      keys = new Map(parsed.keys.map((key) => [key.id, key]));
      loadedAtMs = beganAtMs;
      fault = null;
    } catch (error) {
      fault = error instanceof Error ? error.message : 'the read failed';
      const outcome = hasKeys() ? 'the last good ones stay in use' : 'there are none to use';
      if (!closing.signal.aborted) log?.error({ keys: name, fault }, `keys cannot be read; ${outcome}`);
    } finally {
      deadline.cleanup();
      checkedAtMs = beganAtMs;
      reading = null;
    }
  };
  const refresh = (): Promise<void> => {
    if (!mayRead()) return Promise.resolve();
    reading ??= readOnce();
    return reading;
  };
  /** Starts a read that is due; whether the keys may be used before it ends. */
  const isFresh = (): boolean => {
    if (!hasKeys() || ageMs() >= times.maxAgeMs) return false;
    if (ageMs() >= times.cooldownMs) void refresh(); // never rejects: readOnce keeps the fault
    return true;
  };
  const matching = (algorithm: TokenAlgorithm, kid: string | null): readonly VerificationKey[] => {
    const fitting = [...keys.values()].filter((key) => key.algorithms.includes(algorithm));
    const named = fitting.filter((key) => key.kid === kid);
    const found = named.length > 0 ? named : fitting.filter((key) => key.kid === null || kid === null);
    return found.length > maxCandidates ? [] : found;
  };

  return {
    find: async (algorithm, kid) => {
      if (!isFresh()) await refresh();
      if (!hasKeys()) throw tokenRefusal('KEYS_UNAVAILABLE', fault);
      const found = matching(algorithm, kid);
      if (found.length > 0) return found;
      await refresh();
      return matching(algorithm, kid);
    },
    trusts: (keyId) => isFresh() && keys.has(keyId),
    ready: async () => {
      if (!hasKeys()) await refresh();
      return hasKeys() ? null : (fault ?? 'the keys were not read');
    },
    close: () => closing.abort(),
  };
}
