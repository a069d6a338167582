import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BudgetStore, ReserveRequest, Tier } from '../../../src/guard/budget/budget-store.ts';
import { leftIn, requestOf, tierOf } from './tiers.ts';

/** A store with its own time. */
export interface StoreUnderTest {
  readonly store: BudgetStore;
  /** Resolves when the store's time has moved on by `ms` at least; not much more. */
  readonly pass: (ms: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What every budget store does. */
export function describeBudgetStore(name: string, open: () => Promise<StoreUnderTest>): void {
  let tested: StoreUnderTest;
  beforeAll(async () => {
    tested = await open();
  }, 120_000);
  afterAll(() => tested?.close());
  const reserve = async (request: ReserveRequest) => tested.store.reserve(request);
  const settle = async (request: ReserveRequest, points: number) =>
    tested.store.settle({ id: request.id, tiers: request.tiers, points });
  const left = async (...tiers: readonly Tier[]) =>
    (await tested.store.peek(tiers)).map(({ remainingPoints }) => remainingPoints);

  describe(`${name} reserve()`, () => {
    it('takes the points of every tier when all have them', async () => {
      const [own, tenant] = [tierOf(), tierOf({ name: 'tenant', limitPoints: 5_000 })];
      const answer = await reserve(requestOf([own, tenant], 300));
      expect(answer).toMatchObject({
        kind: 'admitted',
        states: [
          { name: 'principal', limitPoints: 1_000, remainingPoints: 700 },
          { name: 'tenant', limitPoints: 5_000, remainingPoints: 4_700 },
        ],
      });
      expect(await left(own, tenant)).toEqual([700, 4_700]);
    });

    it('takes nothing from any tier when one lacks points', async () => {
      const [own, tenant] = [tierOf(), tierOf({ name: 'tenant', limitPoints: 200 })];
      for (const tiers of [
        [own, tenant],
        [tenant, own],
      ]) {
        expect(await reserve(requestOf(tiers, 201))).toMatchObject({
          kind: 'never',
          tier: { name: 'tenant' },
        });
        expect(await left(own, tenant)).toEqual([1_000, 200]);
      }
      await reserve(requestOf([tenant], 150));
      expect(await reserve(requestOf([own, tenant], 51))).toMatchObject({
        kind: 'wait',
        tier: { name: 'tenant' },
      });
      expect(await left(own, tenant)).toEqual([1_000, 50]);
    });

    it('admits just below and at what is left, and refuses just above', async () => {
      const tier = tierOf({ limitPoints: 100 });
      expect(await reserve(requestOf([tier], 101))).toMatchObject({ kind: 'never' });
      expect(await reserve(requestOf([tier], 40))).toMatchObject({ kind: 'admitted' });
      expect(await reserve(requestOf([tier], 61))).toMatchObject({ kind: 'wait' });
      expect(await reserve(requestOf([tier], 59))).toMatchObject({ kind: 'admitted' });
      expect(await reserve(requestOf([tier], 1))).toMatchObject({ kind: 'admitted' });
      expect(await reserve(requestOf([tier], 1))).toMatchObject({ kind: 'wait' });
    });

    it('leaves the budget untouched when 5,000 points are refused', async () => {
      const tier = tierOf();
      await reserve(requestOf([tier], 10));
      for (let turn = 0; turn < 10; turn += 1)
        expect(await reserve(requestOf([tier], 5_000))).toMatchObject({ kind: 'never' });
      expect(await left(tier)).toEqual([990]);
    });

    it('names the tier with the longest wait, and the whole milliseconds of it', async () => {
      const fast = tierOf({ name: 'fast', limitPoints: 100, restorePerSecond: 10 });
      const slow = tierOf({ name: 'slow', limitPoints: 100, restorePerSecond: 0.5 });
      await reserve(requestOf([fast, slow], 100));
      const answer = await reserve(requestOf([slow, fast], 50));
      if (answer.kind !== 'wait') throw new Error(`It was ${answer.kind}.`);
      expect(answer.tier.name).toBe('slow');
      expect(answer.waitMs).toBeLessThanOrEqual(100_000);
      expect(answer.waitMs).toBeGreaterThan(95_000);
      expect(Number.isInteger(answer.waitMs)).toBe(true);
    });

    it('admits after exactly the wait that it named', async () => {
      const tier = tierOf({ limitPoints: 100, restorePerSecond: 400 });
      await reserve(requestOf([tier], 100));
      const answer = await reserve(requestOf([tier], 80));
      if (answer.kind !== 'wait') throw new Error(`It was ${answer.kind}.`);
      expect(answer.waitMs).toBeLessThanOrEqual(200);
      await tested.pass(answer.waitMs);
      expect(await reserve(requestOf([tier], 80))).toMatchObject({ kind: 'admitted' });
    });

    it('restores up to the limit and no further', async () => {
      const tier = tierOf({ limitPoints: 100, restorePerSecond: 1_000 });
      await reserve(requestOf([tier], 100));
      await tested.pass(250);
      expect(await left(tier)).toEqual([100]);
      const answer = await reserve(requestOf([tier], 100));
      expect(leftIn(answer)).toEqual([0]);
    });

    it('charges once when an id is open already', async () => {
      const tier = tierOf();
      const request = requestOf([tier], 100);
      await reserve(request);
      expect(leftIn(await reserve(request))).toEqual([900]);
      expect(await settle(request, 30)).toMatchObject([{ remainingPoints: 970 }]);
    });

    it('keeps its books when rates do not divide a second', async () => {
      const tier = tierOf({ limitPoints: 1_000, restorePerSecond: 0.003 });
      for (let turn = 0; turn < 100; turn += 1) {
        const request = requestOf([tier], 7);
        await reserve(request);
        await settle(request, 3);
      }
      // Each operation costs 3 points, rounded up to a microsecond: never less, and not a point more.
      expect((await left(tier))[0]).toBeLessThanOrEqual(700);
      expect((await left(tier))[0]).toBeGreaterThanOrEqual(699);
    });

    it('admits only as many at once as there are points', async () => {
      const tier = tierOf({ limitPoints: 100 });
      const answers = await Promise.all(Array.from({ length: 50 }, () => reserve(requestOf([tier], 7))));
      expect(answers.filter(({ kind }) => kind === 'admitted')).toHaveLength(14);
      expect(await left(tier)).toEqual([2]);
    });
  });

  describe(`${name} settle()`, () => {
    it('gives back what was not used, once', async () => {
      const tier = tierOf();
      const request = requestOf([tier], 500);
      await reserve(request);
      expect(await settle(request, 20)).toMatchObject([{ remainingPoints: 980 }]);
      expect(await settle(request, 20)).toMatchObject([{ remainingPoints: 980 }]);
      expect(await settle(request, 0)).toMatchObject([{ remainingPoints: 980 }]);
    });

    it('gives back all when nothing ran', async () => {
      const tiers = [tierOf(), tierOf({ name: 'tenant' })];
      const request = requestOf(tiers, 500);
      await reserve(request);
      await settle(request, 0);
      expect(await left(...tiers)).toEqual([1_000, 1_000]);
    });

    it('charges more when more was used, beyond the limit as well', async () => {
      const tier = tierOf({ limitPoints: 100 });
      const request = requestOf([tier], 50);
      await reserve(request);
      expect(await settle(request, 180)).toMatchObject([{ remainingPoints: 0 }]);
      const answer = await reserve(requestOf([tier], 10));
      if (answer.kind !== 'wait') throw new Error(`It was ${answer.kind}.`);
      // 180 are taken and 90 may be: 90 points at 0.01 a second.
      expect(answer.waitMs).toBeGreaterThan(8_990_000);
      expect(answer.waitMs).toBeLessThanOrEqual(9_000_000);
    });

    it('changes nothing when the id is unknown', async () => {
      const tier = tierOf();
      await reserve(requestOf([tier], 100));
      expect(await settle(requestOf([tier], 500), 1)).toMatchObject([{ remainingPoints: 900 }]);
    });

    it('leaves the estimate charged when the lease is over', async () => {
      const tier = tierOf();
      const late = requestOf([tier], 300, { leaseMs: 40 });
      await reserve(late);
      await tested.pass(60);
      expect(await left(tier)).toEqual([700]);
      expect(await settle(late, 1)).toMatchObject([{ remainingPoints: 700 }]);
      expect(await settle(late, 900)).toMatchObject([{ remainingPoints: 700 }]);
    });

    it('gives no bonus when the points had come back meanwhile', async () => {
      const tier = tierOf({ limitPoints: 1_000, restorePerSecond: 2_000 });
      const slow = requestOf([tier], 900);
      await reserve(slow);
      await tested.pass(600);
      expect(await left(tier)).toEqual([1_000]);
      expect(await reserve(requestOf([tier], 1_000))).toMatchObject({ kind: 'admitted' });
      const [after] = await settle(slow, 1);
      // With the 899 points as a bonus another 850 would be admitted at once.
      expect(after?.remainingPoints).toBeLessThan(450);
    });

    it('loses no refund when others reserve and settle meanwhile, in whatever order', async () => {
      const tier = tierOf({ limitPoints: 10_000 });
      const requests = Array.from({ length: 10 }, () => requestOf([tier], 900));
      for (const request of requests) await reserve(request);
      for (const index of [3, 9, 0, 7, 1, 8, 2, 6, 4, 5]) {
        const request = requests[index];
        if (request) await settle(request, 40);
      }
      expect(await left(tier)).toEqual([9_600]);
    });
  });

  describe(`${name} peek()`, () => {
    it('says when a tier will be full, and takes nothing', async () => {
      const tier = tierOf({ limitPoints: 100, restorePerSecond: 0.1 });
      expect(await tested.store.peek([tier])).toEqual([
        { name: 'principal', limitPoints: 100, restorePerSecond: 0.1, remainingPoints: 100, fullAfterMs: 0 },
      ]);
      await reserve(requestOf([tier], 50));
      const [state] = await tested.store.peek([tier]);
      expect(state?.fullAfterMs).toBeGreaterThan(495_000);
      expect(state?.fullAfterMs).toBeLessThanOrEqual(500_000);
      expect(state?.remainingPoints).toBe(50);
    });
  });
}
