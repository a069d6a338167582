import type { BudgetPolicy } from '../guard/budget/policy.ts';

/** Of every subscription, once; its events are paid for one by one. */
export const subscribePoints = 1;

/**
 * What a caller has to have for an operation of `points` to run. For a subscription that is one for subscribing and its
 * dearest event besides, so that whoever is admitted can pay for an event: a client that comes back as soon as it may
 * would else spend all that it ever has on coming back. Where a budget, or the ceiling, is the event itself, it is that.
 */
export function admittedPoints(points: number, policy: BudgetPolicy, isSubscription: boolean): number {
  if (!isSubscription) return points;
  const limits = policy.tiers.map(({ limitPoints }) => limitPoints);
  return Math.max(points, Math.min(points + subscribePoints, policy.operationLimitPoints, ...limits));
}
