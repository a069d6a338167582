import type { BudgetState } from './budget.ts';

/** How a caller stands, in the words of GitHub's `rateLimit`. */
export interface RateLimitView {
  /** Points that may be spent at once. */
  readonly limit: number;
  /** What the asking operation costs. */
  readonly cost: number;
  readonly remaining: number;
  readonly used: number;
  /** When all points are back, if nothing is spent. */
  readonly resetAt: Date;
}

/** The view of the first tier at `wallMs`, or null where the caller has no budget. */
export function rateLimitView(
  { tiers: [tier] }: BudgetState,
  costPoints: number,
  wallMs: number,
): RateLimitView | null {
  if (!tier) return null;
  const { limitPoints, remainingPoints, fullAfterMs } = tier;
  return {
    limit: limitPoints,
    cost: costPoints,
    remaining: remainingPoints,
    used: limitPoints - remainingPoints,
    resetAt: new Date(wallMs + fullAfterMs),
  };
}
