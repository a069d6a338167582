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
export function createEventAccount(parts: EventAccountParts): Account {
  return new EventAccount(parts);
}

/** A class, since each subscriber has one and every event comes by: see {@link Member}. */
class EventAccount implements Account {
  readonly #budget: Budget;
  readonly #policy: BudgetPolicy;
  readonly #clock: Clock;
  readonly #onFailed: EventAccountParts['onFailed'];
  #emptyUntilMs = 0;

  constructor({ budget, policy, clock, onFailed }: EventAccountParts) {
    this.#budget = budget;
    this.#policy = policy;
    this.#clock = clock;
    this.#onFailed = onFailed;
  }

  pay(points: number): boolean {
    if (this.#policy.mode === 'off') return true;
    if (this.#emptyUntilMs > 0 && this.#clock.nowMs() < this.#emptyUntilMs) return false;
    const admission = this.#budget.spend(this.#policy, points);
    if (!(admission instanceof Promise)) return this.#isPaid(admission);
    admission.then((known) => this.#isPaid(known)).catch(this.#onFailed);
    return true;
  }

  #isPaid(admission: Admission): boolean {
    if (admission.kind === 'admitted') return true;
    this.#emptyUntilMs = this.#clock.nowMs() + (admission.retryAfterMs ?? Number.POSITIVE_INFINITY);
    return false;
  }
}
