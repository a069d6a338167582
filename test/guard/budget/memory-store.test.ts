import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/guard/budget/memory-store.ts';
import { createFakeClock } from '../../kit/fake-clock.ts';
import { describeBudgetStore } from './store-suite.ts';
import { leftIn, requestOf, tierOf } from './tiers.ts';

describeBudgetStore('memory', async () => {
  const clock = createFakeClock();
  const store = createMemoryStore({ clock });
  return { store, pass: async (ms) => clock.advance(ms), close: () => store.close() };
});

describe('createMemoryStore()', () => {
  it('refuses a millisecond before the wait is over and admits at its end', () => {
    const clock = createFakeClock();
    const store = createMemoryStore({ clock });
    const tier = tierOf({ limitPoints: 500, restorePerSecond: 25 });
    store.reserve(requestOf([tier], 500));
    const answer = store.reserve(requestOf([tier], 100));
    expect(answer).toMatchObject({ kind: 'wait', waitMs: 4_000 });
    clock.advance(3_999);
    expect(store.reserve(requestOf([tier], 100))).toMatchObject({ kind: 'wait', waitMs: 1 });
    clock.advance(1);
    expect(store.reserve(requestOf([tier], 100))).toMatchObject({ kind: 'admitted' });
  });

  it('takes a reservation as settled at the very end of its lease', () => {
    const clock = createFakeClock();
    const store = createMemoryStore({ clock });
    const tier = tierOf();
    const [below, at] = [requestOf([tier], 100, { leaseMs: 100 }), requestOf([tier], 100, { leaseMs: 100 })];
    store.reserve(below);
    store.reserve(at);
    clock.advance(99);
    expect(store.settle({ ...below, points: 1 })).toMatchObject([{ remainingPoints: 899 }]);
    clock.advance(1);
    expect(store.settle({ ...at, points: 1 })).toMatchObject([{ remainingPoints: 899 }]);
  });

  it('ignores the wall clock when that jumps', () => {
    const clock = createFakeClock();
    const store = createMemoryStore({ clock });
    const tier = tierOf({ restorePerSecond: 100 });
    store.reserve(requestOf([tier], 1_000));
    clock.jumpWall(clock.wallMs() + 60_000);
    expect(store.peek([tier])).toMatchObject([{ remainingPoints: 0 }]);
    clock.jumpWall(clock.wallMs() - 600_000);
    expect(store.peek([tier])).toMatchObject([{ remainingPoints: 0 }]);
  });

  it('holds at most maxKeys budgets, and forgets those that were used least recently', () => {
    const store = createMemoryStore({ clock: createFakeClock(), maxKeys: 100 });
    const hot = tierOf();
    for (let turn = 0; turn < 1_000; turn += 1) {
      store.reserve(requestOf([tierOf()], 1));
      if (turn < 999) store.reserve(requestOf([hot], 1));
      expect(store.keys()).toBeLessThanOrEqual(100);
    }
    // The one that was in use all the time has kept its books: 999 points are gone.
    expect(store.peek([hot])).toMatchObject([{ remainingPoints: 1 }]);
  });

  it('holds at most maxReservations, and leaves what it forgets charged as estimated', () => {
    const store = createMemoryStore({ clock: createFakeClock(), maxReservations: 10 });
    const tier = tierOf();
    const first = requestOf([tier], 10);
    store.reserve(first);
    let last = first;
    for (let turn = 0; turn < 20; turn += 1) {
      last = requestOf([tier], 10);
      store.reserve(last);
    }
    expect(store.settle({ ...first, points: 1 })).toMatchObject([{ remainingPoints: 790 }]);
    expect(store.settle({ ...last, points: 1 })).toMatchObject([{ remainingPoints: 799 }]);
  });

  it('tells slots apart', () => {
    const store = createMemoryStore({ clock: createFakeClock() });
    const tier = tierOf();
    expect(leftIn(store.reserve(requestOf([tier], 10)))).toEqual([990]);
    expect(leftIn(store.reserve(requestOf([{ ...tier, slot: 'tenant/two' }], 10)))).toEqual([990]);
  });
});
