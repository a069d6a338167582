import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import { filterFromKey, keyFromFilter, type Revocation, type RevocationFilter } from './revocation.ts';
import { createRevocationList, type Revocable } from './revocation-list.ts';
import { createRevocationWatch, type SharedRegister } from './revocation-watch.ts';

/** Tokens that are refused before they expire, on all instances that share a Redis; without one, on this instance. */
export interface Revocations {
  /** Whether the token of a principal is refused, as far as this instance knows. Never waits. */
  readonly refuses: (principal: Revocable) => boolean;
  /**
   * Refuses from now on what the filter meets. Resolves when all instances are going to hear of it. Rejects with
   * UPSTREAM_UNAVAILABLE when Redis did not take it, or did not say so in time (then it may be in force: the same again
   * does no harm), and with OVERLOADED when {@link maxRevocations} are in force, as none is forgotten for another.
   */
  readonly revoke: (filter: RevocationFilter) => Promise<Revocation>;
  /** Those in force, the latest first. */
  readonly list: () => readonly Revocation[];
  /** How many this instance knows, and for how long Redis has not said that they are all: 0 where there is none. */
  readonly status: () => RevocationStatus;
  /** Calls back when there are further ones; returns what ends that. */
  readonly onChange: (listener: () => void) => () => void;
  /**
   * Reads what is in force, and from then on looks once a second and whenever the register rings. Resolves also where
   * Redis is away: then it is read as soon as Redis is back.
   */
  readonly load: () => Promise<void>;
  /** Ends the looks and the register. Idempotent. */
  readonly close: () => Promise<void>;
}

/** What a scrape shows of revocations. */
export interface RevocationStatus {
  readonly held: number;
  readonly unconfirmedSeconds: number;
}

/** What revocations are made of. */
export interface RevocationsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** How long a token may be good after it was issued, at most. */
  readonly keepSeconds: number;
  /** Default: none, so that they are those of this instance. */
  readonly shared?: SharedRegister;
}

/** Most revocations in force: of a name each, so that a whole tenant is one. */
export const maxRevocations = 10_000;

/** Revocations; nothing is read before `load`. */
export function createRevocations(options: RevocationsOptions): Revocations {
  const { clock, log, keepSeconds, shared } = options;
  const list = createRevocationList();
  const listeners = new Set<() => void>();
  const nowSeconds = () => Math.floor(clock.wallMs() / 1000);
  const forgetOld = () => list.forget(nowSeconds() - keepSeconds);
  const note = (entries: Iterable<readonly [string, number]>) => {
    let isNew = false;
    for (const [key, atSeconds] of entries) isNew = list.note(key, atSeconds) || isNew;
    if (isNew) for (const listener of listeners) listener();
  };
  const enterHere = (key: string) =>
    list.entries.size < maxRevocations || list.entries.has(key) ? nowSeconds() : undefined;
  const shownFrom = (filter: RevocationFilter, atSeconds: number): Revocation => ({
    ...filter,
    atSeconds,
    untilSeconds: atSeconds + keepSeconds,
  });
  const onFailed = (err: unknown) =>
    log.warn({ err }, 'revocations are not read: those that are known stay in force');
  const watch =
    shared && createRevocationWatch({ shared, clock, held: list.entries, note, forgetOld, onFailed });

  return {
    refuses: list.refuses,
    revoke: async (filter) => {
      forgetOld();
      const key = keyFromFilter(filter);
      const atSeconds = shared ? await enterShared(shared, key) : enterHere(key);
      if (atSeconds === undefined) throw noRoom();
      note([[key, atSeconds]]);
      const revocation = shownFrom(filter, atSeconds);
      log.info({ revocation }, 'tokens are revoked');
      return revocation;
    },
    list: () => {
      forgetOld();
      return [...list.entries]
        .sort(([, one], [, other]) => other - one)
        .flatMap(([key, atSeconds]) => {
          const filter = filterFromKey(key);
          return filter ? [shownFrom(filter, atSeconds)] : [];
        });
    },
    status: () => {
      forgetOld();
      return { held: list.entries.size, unconfirmedSeconds: watch?.unconfirmedSeconds() ?? 0 };
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    load: async () => watch?.start(),
    close: async () => watch?.close(),
  };
}

async function enterShared(shared: SharedRegister, key: string): Promise<number | undefined> {
  try {
    return await shared.enter(key);
  } catch (cause) {
    throw new WeirError('UPSTREAM_UNAVAILABLE', {
      message:
        'Expected Redis to take the revocation, and it did not answer: it may be in force or not. Send it again.',
      cause,
    });
  }
}

function noRoom(): WeirError {
  return new WeirError('OVERLOADED', {
    message: `Expected at most ${maxRevocations} revocations in force, and so many are: revoke a tenant or client as a whole, or wait until some end.`,
  });
}
