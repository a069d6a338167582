import { describe, expect, it } from 'vitest';
import { type Budget, createBudget } from '../../../src/guard/budget/budget.ts';
import { createKnownBalance } from '../../../src/guard/budget/known-balance.ts';
import { createMemoryStore } from '../../../src/guard/budget/memory-store.ts';
import { createBudgetPolicy } from '../../../src/guard/budget/policy.ts';
import { anonymousPrincipal } from '../../../src/identity/principal.ts';
import { createFakeClock } from '../../kit/fake-clock.ts';

const policy = createBudgetPolicy({ anonymous: { limitPoints: 100, restorePerSecond: 10 } })(
  anonymousPrincipal('a'),
  'web',
);

function setUp() {
  const clock = createFakeClock();
  const budget = createBudget({ store: createMemoryStore({ clock }) });
  const failed: unknown[] = [];
  const state = budget.peek(policy);
  if (state instanceof Promise) throw new TypeError('expected an answer at once');
  const balanceOf = (of: Pick<Budget, 'spend' | 'peek'>) =>
    createKnownBalance({ budget: of, policy, clock, state, onFailed: (thrown) => failed.push(thrown) });
  return { clock, budget, failed, balanceOf };
}

/** A store that answers when it is told to, as one over a network does. */
function slow(budget: Budget) {
  const waiting: (() => void)[] = [];
  const later = <Value>(value: Value) =>
    new Promise<Awaited<Value>>((resolve) => waiting.push(() => resolve(value as Awaited<Value>))); // as: at once here
  return {
    answer: async () => {
      for (const tell of waiting.splice(0)) tell();
      // What waits for the answers goes on.
      await new Promise((resolve) => setImmediate(resolve));
    },
    budget: {
      spend: (of: typeof policy, points: number) => {
        const id = budget.admit({ policy: of, points, isMutation: false, isSpent: true });
        return later(id);
      },
      peek: () => later(budget.peek(policy)),
    },
  };
}

describe('createKnownBalance()', () => {
  it('own() is exact where the store answers at once', () => {
    const { clock, budget, balanceOf } = setUp();
    const balance = balanceOf(budget);
    expect(balance.own()).toEqual({ limitPoints: 100, remainingPoints: 100, restorePerSecond: 10 });
    expect(balance.spend(policy, 30)).toMatchObject({ kind: 'admitted' });
    expect(balance.own()?.remainingPoints).toBe(70);
    // What others spend shows with the next that is spent here.
    void budget.spend(policy, 20);
    void balance.spend(policy, 1);
    expect(balance.own()?.remainingPoints).toBe(49);
    expect(balance.spend(policy, 50)).toMatchObject({ kind: 'refused' });
    expect(balance.own()?.remainingPoints).toBe(49);
    clock.advance(250);
    expect(balance.own()?.remainingPoints).toBe(51);
    clock.advance(60_000);
    expect(balance.own()?.remainingPoints).toBe(100);
  });

  it('own() counts what a store over a network has not answered yet', async () => {
    const { budget, balanceOf } = setUp();
    const store = slow(budget);
    const balance = balanceOf(store.budget);
    const first = balance.spend(policy, 30);
    expect(balance.own()?.remainingPoints).toBe(70);
    await store.answer();
    expect(await first).toMatchObject({ kind: 'admitted' });
    expect(balance.own()?.remainingPoints).toBe(70);
    void balance.spend(policy, 5);
    void balance.spend(policy, 5);
    expect(balance.own()?.remainingPoints).toBe(60);
    // What is refused was not taken.
    const refused = balance.spend(policy, 90);
    expect(balance.own()?.remainingPoints).toBe(0);
    await store.answer();
    expect(await refused).toMatchObject({ kind: 'refused' });
    expect(balance.own()?.remainingPoints).toBe(60);
  });

  it('own() stays as it was when the store fails, and the failure is passed on', async () => {
    const { balanceOf } = setUp();
    const away = new Error('away');
    const balance = balanceOf({ spend: () => Promise.reject(away), peek: () => Promise.reject(away) });
    await expect(balance.spend(policy, 10)).rejects.toBe(away);
    expect(balance.own()?.remainingPoints).toBe(100);
  });

  it('own() asks a store that says nothing with its answer, and tells when that fails', async () => {
    const { failed, balanceOf } = setUp();
    const away = new Error('away');
    const spent = { kind: 'admitted', state: { tiers: [] }, settle: () => ({ tiers: [] }) } as const;
    const balance = balanceOf({ spend: () => spent, peek: () => Promise.reject(away) });
    expect(balance.spend(policy, 10)).toBe(spent);
    await new Promise((resolve) => setImmediate(resolve));
    expect(failed).toEqual([away]);
    expect(balance.own()?.remainingPoints).toBe(100);
  });

  it('own() is undefined where nothing is metered', () => {
    const { budget } = setUp();
    const off = { ...policy, mode: 'off' as const };
    const parts = { budget, policy: off, clock: createFakeClock(), onFailed: () => {} };
    const balance = createKnownBalance({ ...parts, state: { tiers: [] } });
    void balance.spend(off, 1);
    expect(balance.own()).toBeUndefined();
  });
});
