import type { Clock } from '../clock.ts';
import type { Admission, Budget } from '../guard/budget/budget.ts';
import type { BudgetPolicy } from '../guard/budget/policy.ts';
import type { Account } from '../realtime/member.ts';

/** What a subscriber's account is made of. */
export interface EventAccountParts {
  readonly budget: Budget;
  readonly policy: BudgetPolicy;
  readonly clock: Clock;
  /** Told of a store that cannot be reached: events are given meanwhile. */
  readonly onFailed: (thrown: unknown) => void;
}

/**
 * Pays for the events of one subscriber from the budgets that its operations are charged to. Where a shared store has to
 * be asked, an event does not wait for it: a refusal holds from the next event on, for as long as it says.
 */
export function createEventAccount({ budget, policy, clock, onFailed }: EventAccountParts): Account {
  let emptyUntilMs = 0;

  const isPaid = (admission: Admission): boolean => {
    if (admission.kind === 'admitted') return true;
    emptyUntilMs = clock.nowMs() + (admission.retryAfterMs ?? Number.POSITIVE_INFINITY);
    return false;
  };

  return {
    pay: (points) => {
      if (policy.mode === 'off') return true;
      if (emptyUntilMs > 0 && clock.nowMs() < emptyUntilMs) return false;
      const admission = budget.spend(policy, points);
      if (!(admission instanceof Promise)) return isPaid(admission);
      admission.then(isPaid).catch(onFailed);
      return true;
    },
  };
}
