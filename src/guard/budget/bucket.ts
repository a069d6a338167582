import type { Tier, TierState } from './budget-store.ts';

const usPerSecond = 1_000_000;

/** How many dips a bucket remembers; at the bound the two oldest become one, which can only make a refund smaller. */
export const maxDips = 32;

/**
 * A debt counts up to so many limits. It keeps a clock that was set back (a Redis failover) from locking a caller out
 * for as long as that; only an operation that cost several limits more than was estimated could tell.
 */
export const maxDebtLimits = 4;

/** The debt just before a charge, if it has not been lower since. */
interface Dip {
  readonly atUs: number;
  debtUs: number;
}

/**
 * A leaky bucket by GCRA (ITU-T I.371): `emptyAtUs`, the theoretical arrival time, is when all that was taken has been
 * restored, in whole microseconds. Points become microseconds once, rounded up, and are only added and subtracted from
 * then on: integers below 2^53 are exact in JavaScript and in Lua alike, so nothing drifts, and the same points cost the
 * same on the way in and out. The `dips` say how much of a charge is still there to be refunded.
 */
export interface Bucket {
  emptyAtUs: number;
  /** Oldest first, and ever less deep: none of those behind is lower. */
  readonly dips: Dip[];
}

/** How much a bucket holds and how fast it is restored. */
export type Rate = Pick<Tier, 'limitPoints' | 'restorePerSecond'>;

/** A full bucket. */
export function createBucket(): Bucket {
  return { emptyAtUs: 0, dips: [] };
}

/** The time in which a tier restores `points`: whole microseconds, rounded up. */
export function costUs(tier: Pick<Rate, 'restorePerSecond'>, points: number): number {
  return Math.ceil((points * usPerSecond) / tier.restorePerSecond);
}

/** What has been taken and not restored by `nowUs`, as the time that it takes to restore. */
export function debtUs(bucket: Bucket, tier: Rate, nowUs: number): number {
  const maxUs = maxDebtLimits * costUs(tier, tier.limitPoints);
  return Math.min(Math.max(0, bucket.emptyAtUs - nowUs), maxUs);
}

/** Takes `amountUs` on top of a debt. */
export function charge(bucket: Bucket, nowUs: number, debt: number, amountUs: number): void {
  const { dips } = bucket;
  for (let last = dips.at(-1); last && last.debtUs >= debt; last = dips.at(-1)) dips.pop();
  dips.push({ atUs: nowUs, debtUs: debt });
  const [oldest, second] = dips;
  if (dips.length > maxDips && oldest && second) {
    second.debtUs = oldest.debtUs;
    dips.shift();
  }
  bucket.emptyAtUs = nowUs + debt + amountUs;
}

/**
 * Gives back `amountUs` of what was taken at `sinceUs`, leaving the bucket as if it had never been taken. Of what has
 * been restored since, nothing can be given back: that is all above the lowest debt since then. (The debt of the two
 * histories differs by the smaller of the amount and that lowest debt, the reflection of a queue at zero.)
 */
export function refund(bucket: Bucket, nowUs: number, debt: number, sinceUs: number, amountUs: number): void {
  const { dips } = bucket;
  const index = dips.findIndex(({ atUs }) => atUs > sinceUs);
  const lowest = dips[index];
  const shiftUs = Math.min(amountUs, lowest?.debtUs ?? Number.POSITIVE_INFINITY);
  if (lowest) {
    for (const dip of dips.slice(index)) dip.debtUs -= shiftUs;
    for (const dip of dips.slice(0, index)) dip.debtUs = Math.min(dip.debtUs, lowest.debtUs);
  }
  bucket.emptyAtUs = nowUs + debt - Math.min(shiftUs, debt);
}

/** What clients are told of a tier with this debt. */
export function tierState(tier: Tier, debt: number): TierState {
  const { name, limitPoints, restorePerSecond } = tier;
  const leftUs = Math.max(0, costUs(tier, limitPoints) - debt);
  return {
    name,
    limitPoints,
    restorePerSecond,
    // The most points whose cost, rounded up, is not above what is left.
    remainingPoints: Math.floor((leftUs * restorePerSecond) / usPerSecond),
    fullAfterMs: Math.ceil(debt / 1000),
  };
}
