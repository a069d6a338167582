import { describe, expect, it } from 'vitest';
import { type BudgetCaller, createBudgetPolicy } from '../../../src/guard/budget/policy.ts';

const user: BudgetCaller = {
  kind: 'user',
  subject: 'user-1',
  tenant: 'acme',
  client: 'app-1',
  network: null,
};
const anonymous: BudgetCaller = {
  kind: 'anonymous',
  subject: null,
  tenant: null,
  client: null,
  network: '192.0.2.0/24',
};
const all = { limitPoints: 10_000, restorePerSecond: 1_000 };
const everyTier = { client: all, tenant: all, mutations: all, global: all };

const namesOf = (tiers: readonly { readonly name: string }[] = []) => tiers.map(({ name }) => name);

describe('createBudgetPolicy()', () => {
  it('gives the signed in 2,000 points at 100 a second, enforced, when nothing is configured', () => {
    expect(createBudgetPolicy()(user, 'web')).toEqual({
      mode: 'enforce',
      onStoreFailure: 'local',
      operationLimitPoints: 1_000,
      tiers: [
        {
          name: 'principal',
          slot: 'tenant/=acme',
          key: 'principal/=user/=acme/=user-1',
          limitPoints: 2_000,
          restorePerSecond: 100,
        },
      ],
      mutationTiers: [],
    });
  });

  it('gives the anonymous 500 points at 25 a second for their network', () => {
    const { tiers } = createBudgetPolicy()(anonymous, 'web');
    expect(tiers).toEqual([
      {
        name: 'anonymous',
        slot: 'network/=192.0.2.0%2F24',
        key: 'anonymous/=192.0.2.0%2F24',
        limitPoints: 500,
        restorePerSecond: 25,
      },
    ]);
  });

  it('adds every configured tier that the caller has', () => {
    const policyFor = createBudgetPolicy(everyTier);
    expect(namesOf(policyFor(user, 'web').tiers)).toEqual(['principal', 'client', 'tenant', 'global']);
    expect(namesOf(policyFor(user, 'web').mutationTiers)).toEqual(['mutations']);
    expect(namesOf(policyFor(anonymous, 'web').tiers)).toEqual(['anonymous', 'global']);
    expect(namesOf(policyFor(anonymous, 'web').mutationTiers)).toEqual(['mutations']);
  });

  it('keeps all tiers of a tenant in one slot, but the global one', () => {
    const { tiers, mutationTiers = [] } = createBudgetPolicy(everyTier)(user, 'web');
    const slots = [...tiers, ...mutationTiers]
      .filter(({ name }) => name !== 'global')
      .map(({ slot }) => slot);
    expect(new Set(slots)).toEqual(new Set(['tenant/=acme']));
    expect(tiers.find(({ name }) => name === 'global')?.slot).toBe('global');
  });

  it('shares the key of an application among its users within a tenant, not across tenants', () => {
    const policyFor = createBudgetPolicy(everyTier);
    const keyOf = (caller: BudgetCaller) =>
      policyFor(caller, 'web').tiers.find(({ name }) => name === 'client')?.key;
    expect(keyOf(user)).toBe(keyOf({ ...user, subject: 'user-2' }));
    expect(keyOf(user)).not.toBe(keyOf({ ...user, tenant: 'other' }));
    const { tiers } = policyFor({ ...user, tenant: null }, 'web');
    expect(tiers.find(({ name }) => name === 'client')?.slot).toBe('client/=app-1');
  });

  it('never makes one key of two callers, and no brace or space in any', () => {
    const policyFor = createBudgetPolicy(everyTier);
    const hostile = ['a', 'a/b', 'b/=a', '-', '', '=', '{a}', 'a b', 'a%20b', 'ä', '\ud800'];
    const callers = hostile.flatMap((tenant) =>
      hostile.flatMap((subject): BudgetCaller[] => [
        { ...user, tenant, subject },
        { ...user, tenant: null, subject, client: tenant },
        { ...user, kind: 'client', tenant, subject, client: subject },
      ]),
    );
    const own = new Map<string, string>();
    for (const caller of callers) {
      const { kind, tenant, subject } = caller;
      const who = JSON.stringify([kind, tenant, subject]);
      const [tier, ...others] = policyFor(caller, 'web').tiers;
      const name = `${tier?.slot} ${tier?.key}`;
      expect(own.get(name) ?? who).toBe(who);
      own.set(name, who);
      for (const { slot, key } of [tier, ...others].filter((item) => item !== undefined))
        expect(`${slot}${key}`).toMatch(/^[^{}\s]+$/);
    }
  });

  it('makes the policy of a principal once', () => {
    const policyFor = createBudgetPolicy();
    expect(policyFor(user, 'web')).toBe(policyFor(user, 'web'));
  });

  it('takes numbers at their bounds and names every one beyond', () => {
    expect(() =>
      createBudgetPolicy({
        operationLimitPoints: 1,
        principal: { limitPoints: 1e9, restorePerSecond: 1e6 },
        anonymous: { limitPoints: 1, restorePerSecond: 1 / (31 * 24 * 3600) },
      }),
    ).not.toThrow();
    expect(() =>
      createBudgetPolicy({
        operationLimitPoints: 0,
        principal: { limitPoints: 0.5, restorePerSecond: 0 },
        anonymous: { limitPoints: 1e9 + 1, restorePerSecond: 1e6 + 1 },
        tenant: { limitPoints: Number.NaN, restorePerSecond: Number.NaN },
        global: { limitPoints: 1_000, restorePerSecond: 1_000 / (31 * 24 * 3600) / 1.01 },
      }),
    ).toThrow(
      /operationLimitPoints: .*\n.*principal\.limitPoints: .*\n.*principal\.restorePerSecond: .*\n.*\n.*anonymous\.limitPoints.*\n.*anonymous\.restorePerSecond.*\n.*tenant\.limitPoints.*\n.*tenant\.restorePerSecond.*\n.*global: /,
    );
  });
});
