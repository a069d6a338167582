import { createKeyReader, type KeyReaderParts } from './key-reader.ts';
import { keysFitting, type TokenAlgorithm, type VerificationKey } from './key-set.ts';
import { tokenRefusal } from './token-refusal.ts';

/** The keys that tokens are verified with, wherever they come from. */
export interface KeySource {
  /**
   * The keys that a token of this algorithm and key id (null: it has none) may be signed with: see
   * {@link keysFitting}. Rejects with KEYS_UNAVAILABLE when no keys are to be had.
   */
  readonly find: (algorithm: TokenAlgorithm, kid: string | null) => Promise<readonly VerificationKey[]>;
  /** Whether the key of this id is known to be good right now; false means: ask `find`. Never waits. */
  readonly trusts: (keyId: string) => boolean;
  /** Reads the keys unless that was done: null, or why there are none. For start-up and `/readyz`. */
  readonly ready: () => Promise<string | null>;
  /** Ends a read under way and starts no other. Idempotent. */
  readonly close: () => void;
}

/**
 * Keys that are read when first needed and kept: younger than `cooldownMs` they are used as they are, up to `maxAgeMs`
 * while a read runs in the background, from then on only after one. A read that fails counts as a look: the last good
 * keys serve on for `maxStaleMs`. A key id that is not known causes a read too, but never within the cooldown, so a
 * flood of made-up ones costs one read. All who wait share one read.
 */
export function createRefreshingKeys(parts: KeyReaderParts): KeySource {
  const { times } = parts;
  const reader = createKeyReader(parts);
  /** The keys if they may be used without a wait; starts a read in the background when one is due. */
  const fresh = () => {
    const ageMs = reader.ageMs();
    if (ageMs >= times.maxAgeMs) return null;
    if (ageMs >= times.cooldownMs) void reader.refresh(); // never rejects
    return reader.held();
  };
  const find: KeySource['find'] = async (algorithm, kid) => {
    if (fresh() === null) await reader.refresh();
    const held = reader.held();
    if (held === null) throw tokenRefusal('KEYS_UNAVAILABLE', reader.fault());
    const found = keysFitting(held.values(), algorithm, kid);
    if (found.length > 0) return found;
    await reader.refresh();
    return keysFitting(reader.held()?.values() ?? [], algorithm, kid);
  };
  const ready = async () => {
    if (reader.held() === null) await reader.refresh();
    return reader.held() === null ? (reader.fault() ?? 'the keys were not read') : null;
  };
  return { find, trusts: (keyId) => fresh()?.has(keyId) ?? false, ready, close: reader.close };
}
