import type { Clock } from '../../clock.ts';
import type { Admission, Budget, BudgetState } from './budget.ts';
import type { MaybePromise, TierState } from './budget-store.ts';
import type { BudgetPolicy } from './policy.ts';

/** What {@link createKnownBalance} needs. */
export interface KnownBalanceOptions {
  readonly budget: Pick<Budget, 'spend' | 'peek'>;
  readonly policy: BudgetPolicy;
  readonly clock: Clock;
  /** How the caller stands to begin with. */
  readonly state: BudgetState;
  /** Told of a store that could not say how its caller stands: what was known before is told on. Must not throw. */
  readonly onFailed: (thrown: unknown) => void;
}

/** Where one budget stands, in points and points a second. */
export type Balance = Pick<TierState, 'limitPoints' | 'remainingPoints' | 'restorePerSecond'>;

/** A caller's own budget for those who spend from it and cannot wait for what a shared store says. */
export interface KnownBalance extends Pick<Budget, 'spend'> {
  /**
   * Exact where the store answers at once. Else what it said last, with what has come back since and less what it was not
   * heard of yet: it is off by what others spend meanwhile. Undefined where nothing is metered.
   */
  readonly own: () => Balance | undefined;
}

/** The first tier of a policy, as it is known from what is spent here. */
export function createKnownBalance(options: KnownBalanceOptions): KnownBalance {
  const { budget, policy, clock, onFailed } = options;
  let known = { state: options.state, atMs: clock.nowMs() };
  let unansweredPoints = 0;

  const note = (state: BudgetState) => {
    if (state.tiers.length > 0) known = { state, atMs: clock.nowMs() };
  };
  const noteSpent = ({ state }: Admission) => {
    if (state.tiers.length > 0) return note(state);
    // What is quickest says least.
    const peeked = budget.peek(policy);
    if (peeked instanceof Promise) peeked.then(note).catch(onFailed);
    else note(peeked);
  };
  const whenAnswered = async (answer: Promise<Admission>, points: number): Promise<Admission> => {
    unansweredPoints += points;
    try {
      const admission = await answer;
      noteSpent(admission);
      return admission;
    } finally {
      unansweredPoints -= points;
    }
  };

  return {
    spend: (of, points): MaybePromise<Admission> => {
      const answer = budget.spend(of, points);
      if (answer instanceof Promise) return whenAnswered(answer, points);
      noteSpent(answer);
      return answer;
    },
    own: () => {
      const [tier] = known.state.tiers;
      if (!tier) return undefined;
      const { limitPoints, remainingPoints, restorePerSecond } = tier;
      const restored = ((clock.nowMs() - known.atMs) * restorePerSecond) / 1000;
      const points = Math.floor(Math.min(limitPoints, remainingPoints + restored) - unansweredPoints);
      return { limitPoints, restorePerSecond, remainingPoints: Math.max(0, points) };
    },
  };
}
