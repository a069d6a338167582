import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Admission, Budget, BudgetState, Refused } from '../guard/budget/budget.ts';
import type { BudgetPolicy } from '../guard/budget/policy.ts';
import type { Account } from '../realtime/member.ts';
import { errorFromRefusal } from './error-from-refusal.ts';

/** What a subscriber's account is made of. */
export interface EventAccountParts {
  readonly budget: Pick<Budget, 'spend'>;
  readonly policy: BudgetPolicy;
  readonly clock: Clock;
  /** What its caller has to have to subscribe again. */
  readonly returnPoints: number;
  /** Told of a store that cannot be reached: events are given meanwhile. */
  readonly onFailed: (thrown: unknown) => void;
}

/** An account that can say why it pays no more. */
export interface EventAccount extends Account {
  /** Why the last event was refused; undefined when none was. */
  readonly refused: () => WeirError | undefined;
}

/**
 * Pays for the events of one subscriber from the budgets that its operations are charged to. Where a shared store has to
 * be asked, an event that happens now does not wait for it: a refusal holds from the next event on, for as long as it says.
 */
export function createEventAccount(parts: EventAccountParts): EventAccount {
  return new SubscriberAccount(parts);
}

/** The last refusal, and when it ends. */
interface Empty {
  readonly refused: Refused;
  readonly atMs: number;
  readonly untilMs: number;
}

/** A class, since each subscriber has one and every event comes by: see {@link Member}. */
class SubscriberAccount implements EventAccount {
  readonly #budget: EventAccountParts['budget'];
  readonly #policy: BudgetPolicy;
  readonly #clock: Clock;
  readonly #returnPoints: number;
  readonly #onFailed: EventAccountParts['onFailed'];
  #empty: Empty | undefined;

  constructor({ budget, policy, clock, returnPoints, onFailed }: EventAccountParts) {
    this.#budget = budget;
    this.#policy = policy;
    this.#clock = clock;
    this.#returnPoints = returnPoints;
    this.#onFailed = onFailed;
  }

  pay(points: number): boolean {
    const isPaid = this.payFirst(points);
    return isPaid instanceof Promise ? true : isPaid;
  }

  payFirst(points: number): boolean | Promise<boolean> {
    if (this.#policy.mode === 'off') return true;
    if (this.#empty && this.#clock.nowMs() < this.#empty.untilMs) return false;
    const admission = this.#budget.spend(this.#policy, points);
    return admission instanceof Promise ? this.#whenKnown(admission) : this.#isPaid(admission);
  }

  refusal(): Readonly<Record<string, unknown>> | undefined {
    const refused = this.refused();
    return refused && { message: refused.message, extensions: { ...refused.extensions, code: refused.code } };
  }

  refused(): WeirError | undefined {
    if (!this.#empty) return undefined;
    const { refused, atMs } = this.#empty;
    const elapsedMs = Math.floor(this.#clock.nowMs() - atMs);
    const waitMs = returnAfterMs(refused.state, this.#returnPoints) ?? refused.retryAfterMs;
    const retry = waitMs !== undefined && { retryAfterMs: Math.max(0, waitMs - elapsedMs) };
    const { code, message, extensions } = errorFromRefusal({ ...refused, ...retry }, 'The event');
    return new WeirError(code, { message, extensions: { ...extensions, reason: 'budget' } });
  }

  async #whenKnown(admission: Promise<Admission>): Promise<boolean> {
    try {
      return this.#isPaid(await admission);
    } catch (thrown) {
      this.#onFailed(thrown);
      return true;
    }
  }

  #isPaid(admission: Admission): boolean {
    if (admission.kind === 'admitted') return true;
    const atMs = this.#clock.nowMs();
    const untilMs = atMs + (admission.retryAfterMs ?? Number.POSITIVE_INFINITY);
    this.#empty = { refused: admission, atMs, untilMs };
    return false;
  }
}

/** Milliseconds until all tiers have so many points, if nobody spends; undefined where none is told of. */
function returnAfterMs({ tiers }: BudgetState, points: number): number | undefined {
  if (tiers.length === 0) return undefined;
  const waits = tiers.map(({ remainingPoints, restorePerSecond }) =>
    Math.ceil((Math.max(0, points - remainingPoints) * 1000) / restorePerSecond),
  );
  return Math.max(...waits);
}
