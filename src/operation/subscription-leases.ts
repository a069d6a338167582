import { hash, randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { Log } from '../observe/log.ts';
import type { Lease, Leases } from '../realtime/leases.ts';

/** What counts the subscriptions of every principal at all instances. */
export interface SubscriptionLeasesOptions {
  readonly leases: Leases;
  readonly clock: Clock;
  readonly log: Log;
  /** Subscriptions that a principal may have at one time, from 1. */
  readonly limit: number;
}

/** Counts subscriptions by principal, over all instances; those of an instance that dies lapse by themselves. */
export interface SubscriptionLeases {
  /**
   * Resolves with what gives the place back, once. Rejects with `RATE_LIMITED` when the principal has as many as it may,
   * and with `UPSTREAM_UNAVAILABLE` when the shared store is away.
   */
  readonly acquire: (principal: Principal) => Promise<() => void>;
  /** Gives all back. Idempotent. */
  readonly close: () => Promise<void>;
}

const ttlMs = 60_000;
const renewEveryMs = 20_000;
const retryAfterMs = 5000;

/** Renews what it holds every 20 s; whoever makes it closes it. */
export function createSubscriptionLeases(options: SubscriptionLeasesOptions): SubscriptionLeases {
  const { leases, clock, log, limit } = options;
  const instance = randomBytes(9).toString('base64url');
  const held = new Set<Lease>();
  let count = 0;
  let isOpen = true;

  const onFailed = (err: unknown) => log.warn({ err }, 'places of subscriptions could not be kept');
  const renew = async () => {
    for (const lease of held) await leases.acquire(lease, limit, ttlMs);
  };
  let cancelTimer = clock.after(renewEveryMs, tick);
  function tick(): void {
    void renew()
      .catch(onFailed)
      .finally(() => {
        if (isOpen) cancelTimer = clock.after(renewEveryMs, tick);
      });
  }

  return {
    acquire: async ({ audienceKeys }) => {
      count += 1;
      // A digest: who it is is nobody's business in a shared store.
      const key = `subscriptions:${hash('sha256', audienceKeys.viewer).slice(0, 32)}`;
      const lease = { key, holder: `${instance}.${count}` };
      const { isHeld } = await leases.acquire(lease, limit, ttlMs);
      if (!isHeld) throw tooMany(limit);
      held.add(lease);
      return () => {
        if (held.delete(lease)) leases.release([lease]).catch(onFailed);
      };
    },
    close: async () => {
      isOpen = false;
      cancelTimer();
      const all = [...held];
      held.clear();
      await leases.release(all).catch(onFailed);
    },
  };
}

function tooMany(limit: number): WeirError {
  return new WeirError('RATE_LIMITED', {
    message: `You have as many subscriptions as you may, ${limit}; the option is realtime.maxSubscriptionsPerPrincipal. End one of them.`,
    extensions: { retryAfterMs },
  });
}
