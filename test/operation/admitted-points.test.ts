import { describe, expect, it } from 'vitest';
import { anonymousPrincipal } from '../../src/identity/principal.ts';
import { createBudgetPolicy } from '../../src/index.ts';
import { admittedPoints } from '../../src/operation/admitted-points.ts';

function policyOf(limitPoints: number, operationLimitPoints = 1000) {
  const anonymous = { limitPoints, restorePerSecond: 1 };
  return createBudgetPolicy({ anonymous, operationLimitPoints })(anonymousPrincipal('a'), 'web');
}

describe('admittedPoints()', () => {
  it('is the price of a query or a mutation', () => {
    expect(admittedPoints(7, policyOf(100), false)).toBe(7);
  });

  it('is one more for a subscription, so that it can pay for an event', () => {
    expect(admittedPoints(7, policyOf(100), true)).toBe(8);
  });

  it.each([
    { limits: 'the budget', policy: policyOf(7) },
    { limits: 'the ceiling', policy: policyOf(100, 7) },
  ])('is the price where $limits is just below, at and above it', ({ policy }) => {
    expect([6, 7, 8].map((points) => admittedPoints(points, policy, true))).toEqual([7, 7, 8]);
  });
});
