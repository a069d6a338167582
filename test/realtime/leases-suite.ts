import { afterEach, describe, expect, it } from 'vitest';
import type { Lease, Leases } from '../../src/realtime/leases.ts';

/** Opens leases on the one store under test, and moves its time on. */
export interface LeasesUnderTest {
  readonly open: () => Leases;
  /** Until `ttlMs` after the last acquisition have passed. */
  readonly pass: (ttlMs: number) => Promise<void>;
}

/** What all leases promise, wherever they are kept. */
export function describeLeases(name: string, { open, pass }: LeasesUnderTest): void {
  describe(`${name}: Leases`, () => {
    const opened: Leases[] = [];
    const openLeases = () => {
      const leases = open();
      opened.push(leases);
      return leases;
    };
    afterEach(async () => {
      for (const leases of opened.splice(0)) await leases.close();
    });
    const lease = (key: string, holder: string): Lease => ({ key, holder });
    const newKey = () => `test:${crypto.randomUUID()}`;

    it('acquire() gives as many as the limit and refuses the next', async () => {
      const leases = openLeases();
      const key = newKey();
      const outcomes = [];
      for (const holder of ['a', 'b', 'c'])
        outcomes.push(await leases.acquire(lease(key, holder), 2, 10_000));
      expect(outcomes).toEqual([
        { isHeld: true, count: 1 },
        { isHeld: true, count: 2 },
        { isHeld: false, count: 2 },
      ]);
      expect(await leases.count(key)).toBe(2);
      expect(await leases.acquire(lease(newKey(), 'c'), 2, 10_000)).toEqual({ isHeld: true, count: 1 });
    });

    it('acquire() gives nobody anything at a limit of 0', async () => {
      expect(await openLeases().acquire(lease(newKey(), 'a'), 0, 1000)).toEqual({ isHeld: false, count: 0 });
    });

    it('acquire() renews what the holder has, even above a limit that was lowered', async () => {
      const leases = openLeases();
      const key = newKey();
      for (const holder of ['a', 'b']) await leases.acquire(lease(key, holder), 2, 10_000);
      expect(await leases.acquire(lease(key, 'a'), 1, 10_000)).toEqual({ isHeld: true, count: 2 });
    });

    it('acquire() of many instances at once never exceeds the limit', async () => {
      const instances = Array.from({ length: 4 }, openLeases);
      const key = newKey();
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (instances[index % 4] ?? openLeases()).acquire(lease(key, `holder ${index}`), 10, 10_000),
        ),
      );
      expect(outcomes.filter(({ isHeld }) => isHeld)).toHaveLength(10);
    });

    it('release() makes room at once, and of what is not held tells nothing', async () => {
      const leases = openLeases();
      const key = newKey();
      await leases.acquire(lease(key, 'a'), 1, 10_000);
      await leases.release([lease(key, 'another'), lease(newKey(), 'a')]);
      expect(await leases.count(key)).toBe(1);
      await leases.release([lease(key, 'a'), lease(key, 'a')]);
      expect(await leases.acquire(lease(key, 'b'), 1, 10_000)).toEqual({ isHeld: true, count: 1 });
    });

    it('a lease of a holder that died is gone after its time, a renewed one is not', async () => {
      const leases = openLeases();
      const key = newKey();
      await leases.acquire(lease(key, 'dead'), 2, 500);
      await leases.acquire(lease(key, 'alive'), 2, 500);
      await leases.acquire(lease(key, 'alive'), 2, 60_000);
      expect(await leases.acquire(lease(key, 'late'), 2, 60_000)).toMatchObject({ isHeld: false });
      await pass(500);
      expect(await leases.count(key)).toBe(1);
      expect(await leases.acquire(lease(key, 'late'), 2, 60_000)).toEqual({ isHeld: true, count: 2 });
    });

    it.each([
      [-1, 1000],
      [1.5, 1000],
      [1, 0],
      [1, 86_400_001],
    ])('acquire() refuses a limit of %d with a time of %d ms', async (limit, ttlMs) => {
      await expect(openLeases().acquire(lease('x', 'y'), limit, ttlMs)).rejects.toThrow(RangeError);
    });
  });
}
