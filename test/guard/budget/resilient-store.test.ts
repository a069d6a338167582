import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BudgetStore } from '../../../src/guard/budget/budget-store.ts';
import { createMemoryStore } from '../../../src/guard/budget/memory-store.ts';
import { createResilientStore } from '../../../src/guard/budget/resilient-store.ts';
import { createFakeClock } from '../../kit/fake-clock.ts';
import { describeBudgetStore } from './store-suite.ts';
import { requestOf, tierOf } from './tiers.ts';

type Health = 'well' | 'silent' | 'failing';

/** A store that others share, whose line can be cut: `silent` calls reach it later, or never. */
function open({ nodes = 1, maxUnsettled = 100 } = {}) {
  const clock = createFakeClock();
  const shared = createMemoryStore({ clock });
  const line = { health: 'well' as Health, calls: 0, waiting: [] as (() => void)[] };
  const through = async <Value>(call: () => Value): Promise<Value> => {
    line.calls += 1;
    if (line.health === 'failing') throw new Error('The connection was closed.');
    if (line.health === 'silent') await new Promise<void>((resolve) => line.waiting.push(resolve));
    return call();
  };
  const far: BudgetStore = {
    reserve: (request) => through(() => shared.reserve(request)),
    settle: (settlement) => through(() => shared.settle(settlement)),
    peek: (tiers) => through(() => shared.peek(tiers)),
    close: () => shared.close(),
  };
  const store = createResilientStore({
    store: far,
    clock,
    random: () => 0,
    nodes: () => nodes,
    maxUnsettled,
  });
  /** Runs `call` to its end: past its time limit, if nobody answers. */
  const finish = async <Value>(call: Value | Promise<Value>): Promise<Value> => {
    await nextTurn();
    if (line.health === 'silent') clock.advance(50);
    return call;
  };
  return { clock, shared, store, line, finish };
}

describeBudgetStore('resilient', async () => {
  const { clock, store } = open();
  return { store, pass: async (ms) => clock.advance(ms), close: () => store.close() };
});

describe('createResilientStore()', () => {
  it('gives up on a call after 50 ms, not before', async () => {
    const { clock, store, line } = open();
    line.health = 'silent';
    let isOver = false;
    const call = Promise.resolve(store.reserve(requestOf([tierOf()], 1))).finally(() => {
      isOver = true;
    });
    clock.advance(49);
    await nextTurn();
    await nextTurn();
    expect(isOver).toBe(false);
    clock.advance(1);
    expect(await call).toMatchObject({ kind: 'admitted' });
    expect(store.status()).toMatchObject({ failures: 1, fallbacks: { local: 1 } });
  });

  it.each(['silent', 'failing'] as const)(
    'asks no more after three failures when the store is %s',
    async (health) => {
      const { store, line, finish } = open();
      line.health = health;
      for (let turn = 0; turn < 10; turn += 1) await finish(store.reserve(requestOf([tierOf()], 1)));
      expect(line.calls).toBe(3);
      expect(store.status()).toMatchObject({ breaker: 'open', failures: 3, fallbacks: { local: 10 } });
    },
  );

  it('admits all, none, or its share of the limits, as the policy wants', async () => {
    const { store, line, finish } = open({ nodes: 4 });
    line.health = 'failing';
    const tier = tierOf({ limitPoints: 2_000, restorePerSecond: 100 });
    const reserve = (points: number, onStoreFailure: 'open' | 'closed' | 'local') =>
      finish(store.reserve(requestOf([tier], points, { onStoreFailure })));
    expect(await reserve(2_000, 'open')).toEqual({ kind: 'admitted', states: [] });
    expect(await reserve(2_000, 'open')).toEqual({ kind: 'admitted', states: [] });
    expect(await reserve(1, 'closed')).toMatchObject({ kind: 'unavailable' });
    expect(await reserve(500, 'local')).toMatchObject({
      kind: 'admitted',
      states: [{ limitPoints: 500, restorePerSecond: 25, remainingPoints: 0 }],
    });
    expect(await reserve(100, 'local')).toMatchObject({ kind: 'wait', waitMs: 4_000 });
    expect(store.status().fallbacks).toEqual({ open: 2, closed: 1, local: 2 });
  });

  it('goes on from the level that the store told last', async () => {
    const { clock, store, line, finish } = open({ nodes: 4 });
    const tier = tierOf({ limitPoints: 2_000, restorePerSecond: 100 });
    await finish(store.reserve(requestOf([tier], 1_200)));
    clock.advance(2_000);
    line.health = 'failing';
    // A quarter of the 1,000 that are left by now.
    expect(await finish(store.reserve(requestOf([tier], 251)))).toMatchObject({ kind: 'wait' });
    expect(await finish(store.reserve(requestOf([tier], 250)))).toMatchObject({ kind: 'admitted' });
    expect(await finish(store.reserve(requestOf([tier], 25)))).toMatchObject({ kind: 'wait', waitMs: 1_000 });
  });

  it('is unavailable for what fits the limit but not its share, and refuses for ever what never fits', async () => {
    const { store, line, finish } = open({ nodes: 4 });
    line.health = 'failing';
    const tier = tierOf({ limitPoints: 2_000, restorePerSecond: 100 });
    expect(await finish(store.reserve(requestOf([tier], 501)))).toMatchObject({ kind: 'unavailable' });
    expect(await finish(store.reserve(requestOf([tier], 2_001)))).toMatchObject({ kind: 'never', tier });
  });

  it('says how long to wait for the store', async () => {
    const { clock, store, line, finish } = open();
    line.health = 'failing';
    const closed = () => finish(store.reserve(requestOf([tierOf()], 1, { onStoreFailure: 'closed' })));
    for (let turn = 0; turn < 3; turn += 1) await closed();
    expect(await closed()).toEqual({ kind: 'unavailable', retryAfterMs: 1_000 });
    clock.advance(600);
    expect(await closed()).toEqual({ kind: 'unavailable', retryAfterMs: 400 });
  });

  it('settles where it reserved', async () => {
    const { store, shared, line, finish } = open();
    const tier = tierOf();
    const far = requestOf([tier], 100);
    await finish(store.reserve(far));
    line.health = 'failing';
    const near = requestOf([tier], 300);
    await finish(store.reserve(near));
    expect(await store.settle({ ...near, points: 10 })).toMatchObject([{ remainingPoints: 890 }]);
    expect(shared.peek([tier])).toMatchObject([{ remainingPoints: 900 }]);
  });

  it('comes back with the first call after the breaker, and settles then what could not be settled', async () => {
    const { clock, store, shared, line, finish } = open();
    const tier = tierOf();
    const requests = Array.from({ length: 5 }, () => requestOf([tier], 100));
    for (const request of requests) await finish(store.reserve(request));
    line.health = 'failing';
    for (const request of requests) await finish(store.settle({ ...request, points: 10 }));
    expect(store.status()).toMatchObject({ breaker: 'open', unsettled: 5 });
    line.health = 'well';
    clock.advance(1_000);
    expect(await finish(store.reserve(requestOf([tier], 1)))).toMatchObject({ kind: 'admitted' });
    await nextTurn();
    expect(store.status()).toMatchObject({ breaker: 'closed', unsettled: 0, dropped: 0 });
    expect(shared.peek([tier])).toMatchObject([{ remainingPoints: 949 }]);
  });

  it('gives back what was granted too late', async () => {
    const { clock, store, shared, line, finish } = open();
    const tier = tierOf();
    line.health = 'silent';
    await finish(store.reserve(requestOf([tier], 500)));
    for (const arrive of line.waiting) arrive();
    await nextTurn();
    expect(shared.peek([tier])).toMatchObject([{ remainingPoints: 500 }]);
    line.health = 'well';
    clock.advance(1_000);
    await finish(store.peek([tier]));
    await nextTurn();
    expect(shared.peek([tier])).toMatchObject([{ remainingPoints: 1_000 }]);
  });

  it('keeps at most maxUnsettled settlements, and drops the oldest', async () => {
    const { store, line, finish } = open({ maxUnsettled: 10 });
    const tier = tierOf();
    const requests = Array.from({ length: 11 }, () => requestOf([tier], 10));
    for (const request of requests) await finish(store.reserve(request));
    line.health = 'failing';
    for (const request of requests.slice(1)) await finish(store.settle({ ...request, points: 1 }));
    expect(store.status()).toMatchObject({ unsettled: 10, dropped: 0 });
    for (const request of requests.slice(0, 1)) await finish(store.settle({ ...request, points: 1 }));
    expect(store.status()).toMatchObject({ unsettled: 10, dropped: 1 });
  });
});
