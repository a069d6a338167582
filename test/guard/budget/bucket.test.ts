import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { charge, costUs, createBucket, debtUs, maxDips, refund } from '../../../src/guard/budget/bucket.ts';
import { tierOf } from './tiers.ts';

/** Larger than all that is charged here: a debt over several limits would be cut off. */
const tier = tierOf({ limitPoints: 100_000, restorePerSecond: 100 });

/** One operation: reserved after a pause, settled some time later at a share of its estimate. */
interface Operation {
  readonly afterUs: number;
  readonly points: number;
  readonly heldUs: number;
  readonly actual: number;
}

interface Event {
  readonly atUs: number;
  readonly kind: 'reserve' | 'settle';
  readonly index: number;
}

const operations = (maxLength: number): fc.Arbitrary<readonly Operation[]> =>
  fc.array(
    fc.record({
      // Often none: several at the same microsecond.
      afterUs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 8_000_000 })),
      points: fc.integer({ min: 1, max: 1_000 }),
      heldUs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30_000_000 })),
      actual: fc.integer({ min: 0, max: 1_000 }),
    }),
    { minLength: 1, maxLength },
  );

/** Reservations and settlements in the order of time; at the same microsecond, who reserves comes first. */
function eventsOf(list: readonly Operation[]): readonly Event[] {
  let atUs = 0;
  const events = list.flatMap(({ afterUs, heldUs }, index): Event[] => {
    atUs += afterUs;
    return [
      { atUs, kind: 'reserve', index },
      { atUs: atUs + heldUs, kind: 'settle', index },
    ];
  });
  return events.toSorted((a, b) => a.atUs - b.atUs);
}

/** The debt at `atUs` had each operation been charged `costs` in the moment when it was reserved: a plain leaky bucket. */
function replayedDebt(reserved: readonly { atUs: number; cost: number }[], atUs: number): number {
  let debt = 0;
  let lastUs = 0;
  for (const { atUs: chargedUs, cost } of [...reserved, { atUs, cost: 0 }]) {
    debt = Math.max(0, debt - (chargedUs - lastUs)) + cost;
    lastUs = chargedUs;
  }
  return debt;
}

/** Runs the operations through a bucket and calls `check` after each event with its debt and the one of the replay. */
function compare(
  list: readonly Operation[],
  check: (debt: number, replayed: number) => void,
  { isForgetful = false } = {},
): void {
  const bucket = createBucket();
  const replay: { atUs: number; cost: number; index: number }[] = [];
  for (const { atUs, kind, index } of eventsOf(list)) {
    const { points = 0, actual = 0 } = list[index] ?? {};
    const debt = debtUs(bucket, tier, atUs);
    if (isForgetful) bucket.dips.length = 0;
    if (kind === 'reserve') {
      charge(bucket, atUs, debt, costUs(tier, points));
      replay.push({ atUs, cost: costUs(tier, points), index });
    } else {
      const reserved = replay.find((entry) => entry.index === index);
      if (!reserved) throw new Error('It settled before it reserved.');
      const actualUs = costUs(tier, Math.min(points, actual));
      refund(bucket, atUs, debt, reserved.atUs, reserved.cost - actualUs);
      reserved.cost = actualUs;
    }
    check(debtUs(bucket, tier, atUs), replayedDebt(replay, atUs));
  }
}

describe('refund()', () => {
  it('leaves the bucket as if the actual price had been charged at once, whatever happened meanwhile', () => {
    const isExact = fc.property(operations(maxDips), (list) =>
      compare(list, (debt, replayed) => expect(debt).toBe(replayed)),
    );
    fc.assert(isExact, { numRuns: 3_000 });
  });

  it('never gives more than that when there are more dips than it remembers', () => {
    const isSafe = fc.property(operations(200), (list) =>
      compare(list, (debt, replayed) => expect(debt).toBeGreaterThanOrEqual(replayed)),
    );
    fc.assert(isSafe, { numRuns: 300 });
  });

  it('would give a bonus without its memory of dips', () => {
    const isSafe = fc.property(operations(10), (list) =>
      compare(list, (debt, replayed) => expect(debt).toBeGreaterThanOrEqual(replayed), { isForgetful: true }),
    );
    expect(() => fc.assert(isSafe, { numRuns: 3_000 })).toThrow();
  });
});

describe('charge()', () => {
  it('remembers a bounded number of dips', () => {
    const bucket = createBucket();
    for (let turn = 0; turn < 1_000; turn += 1) charge(bucket, turn, debtUs(bucket, tier, turn), 10_000);
    expect(bucket.dips).toHaveLength(maxDips);
  });
});

describe('costUs()', () => {
  it('rounds up to a whole microsecond, and not at all for rates that divide a second', () => {
    expect(costUs(tierOf({ restorePerSecond: 100 }), 2_000)).toBe(20_000_000);
    expect(costUs(tierOf({ restorePerSecond: 25 }), 1)).toBe(40_000);
    expect(costUs(tierOf({ restorePerSecond: 3 }), 1)).toBe(333_334);
  });
});
