import { describe, expect, it } from 'vitest';
import { type Admission, type Budget, createBudget } from '../../../src/guard/budget/budget.ts';
import type { BudgetStore, Tier } from '../../../src/guard/budget/budget-store.ts';
import { createMemoryStore } from '../../../src/guard/budget/memory-store.ts';
import type { BudgetPolicy } from '../../../src/guard/budget/policy.ts';
import { createFakeClock, type FakeClock } from '../../kit/fake-clock.ts';
import { tierOf } from './tiers.ts';

interface Opened {
  readonly budget: Budget;
  readonly clock: FakeClock;
  readonly decisions: { readonly kind: string; readonly enforced: boolean }[];
}

function open(): Opened {
  const clock = createFakeClock();
  const decisions: Opened['decisions'] = [];
  const budget = createBudget({
    store: createMemoryStore({ clock }),
    onDecision: (decision, enforced) =>
      decisions.push({ kind: decision.kind === 'refused' ? decision.code : decision.kind, enforced }),
  });
  return { budget, clock, decisions };
}

function policyOf(tiers: readonly Tier[], rest: Partial<BudgetPolicy> = {}): BudgetPolicy {
  return { mode: 'enforce', onStoreFailure: 'local', operationLimitPoints: 1_000, tiers, ...rest };
}

const usual = () => tierOf({ limitPoints: 2_000, restorePerSecond: 100 });

async function admit(
  budget: Budget,
  policy: BudgetPolicy,
  points: number,
  isMutation = false,
): Promise<Admission> {
  return budget.admit({ policy, points, isMutation });
}

describe('createBudget() admit()', () => {
  it('answers at once when the store does', () => {
    const { budget } = open();
    const admission = budget.admit({ policy: policyOf([usual()]), points: 10, isMutation: false });
    expect(admission).not.toBeInstanceOf(Promise);
  });

  it('takes the estimate, then charges the actual price in its place, once', async () => {
    const { budget } = open();
    const policy = policyOf([usual()]);
    const admission = await admit(budget, policy, 500);
    if (admission.kind !== 'admitted') throw new Error('It was refused.');
    expect(admission.state.tiers).toMatchObject([{ remainingPoints: 1_500 }]);
    expect(await admission.settle(20)).toMatchObject({ tiers: [{ remainingPoints: 1_980 }] });
    expect(await admission.settle(400)).toMatchObject({ tiers: [{ remainingPoints: 1_980 }] });
    expect(await budget.peek(policy)).toMatchObject({ tiers: [{ remainingPoints: 1_980 }] });
  });

  it('takes a point at least, before and after', async () => {
    const { budget } = open();
    const policy = policyOf([usual()]);
    const admission = await admit(budget, policy, 0);
    if (admission.kind !== 'admitted') throw new Error('It was refused.');
    expect(admission.state.tiers).toMatchObject([{ remainingPoints: 1_999 }]);
    expect(await admission.settle(-5)).toMatchObject({ tiers: [{ remainingPoints: 1_999 }] });
  });

  it('passes at the ceiling of one operation and refuses above it, for ever', async () => {
    const { budget } = open();
    const policy = policyOf([usual()]);
    expect(await admit(budget, policy, 999)).toMatchObject({ kind: 'admitted' });
    expect(await admit(budget, policy, 1_000)).toMatchObject({ kind: 'admitted' });
    const refused = await admit(budget, policy, 1_001);
    expect(refused).toEqual({
      kind: 'refused',
      code: 'COST_LIMIT_EXCEEDED',
      numbers: { tier: 'operation', costPoints: 1_001, limitPoints: 1_000 },
      state: { tiers: [] },
    });
    expect(await budget.peek(policy)).toMatchObject({ tiers: [{ remainingPoints: 1 }] });
  });

  it('refuses for ever what a tier never holds, and says nothing of waiting', async () => {
    const { budget } = open();
    const policy = policyOf([tierOf({ limitPoints: 500 })]);
    expect(await admit(budget, policy, 500)).toMatchObject({ kind: 'admitted' });
    const refused = await admit(budget, policy, 501);
    expect(refused).toMatchObject({
      code: 'COST_LIMIT_EXCEEDED',
      numbers: { tier: 'principal', costPoints: 501, limitPoints: 500 },
    });
    expect(refused).not.toHaveProperty('retryAfterMs');
  });

  it('names the wait and the numbers when points are lacking', async () => {
    const { budget, clock } = open();
    const policy = policyOf([usual()]);
    await admit(budget, policy, 1_000);
    await admit(budget, policy, 950);
    const refused = await admit(budget, policy, 100);
    expect(refused).toMatchObject({
      kind: 'refused',
      code: 'RATE_LIMITED',
      retryAfterMs: 500,
      numbers: {
        tier: 'principal',
        costPoints: 100,
        limitPoints: 2_000,
        remainingPoints: 50,
        restorePerSecond: 100,
      },
    });
    clock.advance(500);
    expect(await admit(budget, policy, 100)).toMatchObject({ kind: 'admitted' });
  });

  it('asks the tiers of mutations for mutations only', async () => {
    const { budget } = open();
    const policy = policyOf([usual()], { mutationTiers: [tierOf({ name: 'mutations', limitPoints: 30 })] });
    expect(await admit(budget, policy, 20, true)).toMatchObject({ kind: 'admitted' });
    expect(await admit(budget, policy, 20, true)).toMatchObject({ numbers: { tier: 'mutations' } });
    expect(await admit(budget, policy, 20)).toMatchObject({ kind: 'admitted' });
    expect(await budget.peek(policy)).toMatchObject({
      tiers: [{ remainingPoints: 1_960 }, { name: 'mutations', remainingPoints: 10 }],
    });
  });

  it('admits under measure, takes nothing where it would refuse, and says so', async () => {
    const { budget, decisions } = open();
    const policy = policyOf([tierOf({ limitPoints: 100 })], { mode: 'measure' });
    const wouldRefuse = async (points: number) => {
      const admission = await admit(budget, policy, points);
      if (admission.kind !== 'admitted') throw new Error('It was refused.');
      await admission.settle(points);
      return admission.wouldRefuse?.code;
    };
    expect(await wouldRefuse(90)).toBeUndefined();
    expect(await wouldRefuse(20)).toBe('RATE_LIMITED');
    expect(await wouldRefuse(101)).toBe('COST_LIMIT_EXCEEDED');
    expect(await wouldRefuse(1_001)).toBe('COST_LIMIT_EXCEEDED');
    expect(await budget.peek(policy)).toMatchObject({ tiers: [{ remainingPoints: 10 }] });
    expect(decisions).toEqual(Array.from({ length: 4 }, () => ({ kind: 'admitted', enforced: false })));
  });

  it('keeps no books when the policy is off', async () => {
    const { budget, decisions } = open();
    const policy = policyOf([tierOf({ limitPoints: 1 })], { mode: 'off' });
    const admission = await admit(budget, policy, 1e9);
    if (admission.kind !== 'admitted') throw new Error('It was refused.');
    expect(await admission.settle(1e9)).toEqual({ tiers: [] });
    expect(await budget.peek(policy)).toEqual({ tiers: [] });
    expect(decisions).toEqual([]);
  });

  it('reports each decision once', async () => {
    const { budget, decisions } = open();
    const policy = policyOf([tierOf({ limitPoints: 900 })]);
    for (const points of [900, 1, 901, 1_001]) await admit(budget, policy, points);
    expect(decisions.map(({ kind }) => kind)).toEqual([
      'admitted',
      'RATE_LIMITED',
      'COST_LIMIT_EXCEEDED',
      'COST_LIMIT_EXCEEDED',
    ]);
  });

  it('says OVERLOADED when the store cannot answer', async () => {
    const away: BudgetStore = {
      reserve: () => Promise.resolve({ kind: 'unavailable', retryAfterMs: 700 }),
      settle: () => [],
      peek: () => [],
      close: async () => undefined,
    };
    const budget = createBudget({ store: away });
    expect(await admit(budget, policyOf([usual()]), 1)).toEqual({
      kind: 'refused',
      code: 'OVERLOADED',
      retryAfterMs: 700,
      state: { tiers: [] },
    });
  });

  it('names its reservations unlike those of another node', async () => {
    const clock = createFakeClock();
    const store = createMemoryStore({ clock });
    const policy = policyOf([usual()]);
    for (const budget of [createBudget({ store }), createBudget({ store })]) await admit(budget, policy, 100);
    expect(store.peek(policy.tiers)).toMatchObject([{ remainingPoints: 1_800 }]);
  });
});
