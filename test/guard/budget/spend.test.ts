import { describe, expect, it } from 'vitest';
import { createBudget } from '../../../src/guard/budget/budget.ts';
import type { BudgetStore } from '../../../src/guard/budget/budget-store.ts';
import { createMemoryStore } from '../../../src/guard/budget/memory-store.ts';
import { createBudgetPolicy } from '../../../src/guard/budget/policy.ts';
import { createFakeClock } from '../../kit/fake-clock.ts';

const caller = { kind: 'user', subject: 'user-1', tenant: null, client: null, network: null } as const;
const principal = { limitPoints: 10, restorePerSecond: 1 };

/** The store in memory, and the same without the short way. */
function stores(): readonly (readonly [string, () => BudgetStore])[] {
  const made = () => createMemoryStore({ clock: createFakeClock() });
  const longWay = (): BudgetStore => {
    const { reserve, settle, peek, close } = made();
    return { reserve, settle, peek, close };
  };
  return [
    ['at once', made],
    ['by a reservation', longWay],
  ];
}

describe.each(stores())('Budget.spend() %s', (_way, open) => {
  const setUp = (options: Parameters<typeof createBudgetPolicy>[0] = {}) => {
    const budget = createBudget({ store: open() });
    const policy = createBudgetPolicy({ principal, ...options })(caller, 'web');
    const remaining = async () => (await budget.peek(policy)).tiers[0]?.remainingPoints;
    return { budget, policy, remaining };
  };

  it('takes what was used, 1 at least, up to what is left', async () => {
    const { budget, policy, remaining } = setUp();
    expect(await budget.spend(policy, 4)).toMatchObject({ kind: 'admitted' });
    expect(await budget.spend(policy, 0.25)).toMatchObject({ kind: 'admitted' });
    expect(await remaining()).toBe(5);
    expect(await budget.spend(policy, 5)).toMatchObject({ kind: 'admitted' });
    expect(await remaining()).toBe(0);
  });

  it('takes nothing where there is too little, and says for how long to wait', async () => {
    const { budget, policy, remaining } = setUp();
    await budget.spend(policy, 8);
    expect(await budget.spend(policy, 3)).toMatchObject({
      kind: 'refused',
      code: 'RATE_LIMITED',
      retryAfterMs: 1000,
    });
    expect(await remaining()).toBe(2);
  });

  it('refuses for good what is above the ceiling of one operation', async () => {
    const { budget, policy, remaining } = setUp({ operationLimitPoints: 5 });
    expect(await budget.spend(policy, 5)).toMatchObject({ kind: 'admitted' });
    expect(await budget.spend(policy, 6)).toMatchObject({ kind: 'refused', code: 'COST_LIMIT_EXCEEDED' });
    expect(await remaining()).toBe(5);
  });

  it('keeps no books when the policy is off', async () => {
    const { budget, policy } = setUp({ mode: 'off' });
    expect(await budget.spend(policy, 1_000_000)).toMatchObject({ kind: 'admitted' });
  });
});
