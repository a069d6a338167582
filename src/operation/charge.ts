import type { WeirError } from '../errors.ts';
import type { Admission, BudgetState } from '../guard/budget/budget.ts';
import type { Balance } from '../guard/budget/known-balance.ts';
import { type RateLimitView, rateLimitView } from '../guard/budget/rate-limit-view.ts';
import { costModelVersion } from '../guard/cost/cost-model-version.ts';
import type { Price, PricePlan } from '../guard/cost/price-plan.ts';
import type { PriceNode } from '../guard/cost/price-report.ts';
import { createTally, type OpenTally, type Tally } from '../guard/cost/tally.ts';
import type { RecordedPrice } from '../observe/operation-record.ts';
import type { Timeline } from '../observe/timeline.ts';
import { errorFromRefusal } from './error-from-refusal.ts';

/** `extensions.cost` of an answer: the first three have the names that clients of priced graphs know (design, section 3). */
export interface CostExtension {
  readonly requestedQueryCost: number;
  /** Null when it did not run. */
  readonly actualQueryCost: number | null;
  /** Null where nothing is metered. */
  readonly throttleStatus: ThrottleStatus | null;
  /** IBM GraphQL Cost Directives. */
  readonly typeCost: number;
  readonly fieldCost: number;
  /** Most calls upstream that it may make, and those that it made. */
  readonly upstreamCalls: number;
  readonly actualUpstreamCalls: number | null;
  readonly modelVersion: string;
  /** Asked for by `GraphQL-Cost: report`. */
  readonly fields?: PriceNode;
}

/** What every event of a subscription is told of the price of the subscription. */
export type ReportedPrice = Pick<
  CostExtension,
  'requestedQueryCost' | 'typeCost' | 'fieldCost' | 'upstreamCalls' | 'modelVersion'
>;

/** How the caller's own budget stands, in points and points a second. */
export interface ThrottleStatus {
  readonly maximumAvailable: number;
  readonly currentlyAvailable: number;
  readonly restoreRate: number;
}

const maxInt = 2 ** 31 - 1;

/** What `GraphQL-Cost` asks for. */
export type CostMode = 'report' | 'validate';

/** What a charge is made of. */
export interface ChargeParts {
  readonly plan: PricePlan;
  /** Coerced; null when they are not known. */
  readonly variables: Readonly<Record<string, unknown>> | null;
  readonly price: Price;
  /** What the admission took: the price, or see {@link admittedPoints}. */
  readonly reservedPoints: number;
  readonly admission: Admission;
  readonly timeline: Timeline;
  /** Whether its caller may see prices. */
  readonly isTold: boolean;
  readonly mode: CostMode | undefined;
  /** Told of a store that could not settle: its points stay charged as estimated. */
  readonly onUnsettled: (thrown: unknown) => void;
}

/** The price of one operation on its way: estimated and admitted before it runs, settled when it has ended. */
export class Charge {
  /** For what executes the operation to count in. */
  readonly tally: OpenTally = createTally();
  readonly #parts: ChargeParts;
  #actualPoints: number | undefined;
  #state: BudgetState;

  constructor(parts: ChargeParts) {
    this.#parts = parts;
    this.#state = parts.admission.state;
  }

  /** Why it may not run; undefined when it may. */
  refusal(): WeirError | undefined {
    const { admission } = this.#parts;
    return admission.kind === 'refused' ? errorFromRefusal(admission, 'The operation') : undefined;
  }

  /** Charges what the operation used. Idempotent. */
  settle(): void {
    if (this.#actualPoints !== undefined) return;
    this.#settleAt(this.pointsOf(this.tally));
  }

  /** Charges one point, for an operation that is answered without being run. Idempotent, as {@link settle} is. */
  settleUnrun(): void {
    this.#settleAt(Math.min(1, this.#parts.price.points));
  }

  /** Charges what was estimated, where nobody knows what was used. Idempotent, as {@link settle} is. */
  settleEstimated(): void {
    this.#settleAt(this.#parts.price.points);
  }

  #settleAt(actual: number): void {
    const { admission, onUnsettled, reservedPoints, mode } = this.#parts;
    if (admission.kind === 'refused' || mode === 'validate' || this.#actualPoints !== undefined) return;
    this.#actualPoints = actual;
    const settled = admission.settle(actual);
    if (settled instanceof Promise) {
      // Nobody waits for the store: what is told meanwhile is what it will say, unless others spend too.
      this.#state = withRefund(this.#state, reservedPoints - actual);
      settled.catch(onUnsettled);
    } else this.#state = settled;
  }

  /** Points of an execution by what it counted; what ran without being counted costs what it was estimated at. */
  pointsOf(tally: Tally): number {
    const { plan, variables, price } = this.#parts;
    return tally.isCounted ? plan.actual(variables ?? {}, tally) : price.points;
  }

  /** What its caller has to have for it to run. */
  reservedPoints(): number {
    return this.#parts.reservedPoints;
  }

  /** The most parts of its answer that may come later. */
  deferredParts(): number {
    const { plan, variables } = this.#parts;
    return plan.deferredParts(variables);
  }

  /** When a refused one may be tried again, in milliseconds; undefined where waiting does not help. */
  retryAfterMs(): number | undefined {
    const { admission } = this.#parts;
    return admission.kind === 'refused' ? admission.retryAfterMs : undefined;
  }

  /** How the caller stands, the end of this operation included as far as it is known. */
  state(): BudgetState {
    return this.#state;
  }

  /** How the caller's own budget stands, at `wallMs` since 1970; null where nothing is metered. */
  rateLimit(wallMs: number): RateLimitView | null {
    // Whole and of GraphQL's Int, as the other numbers are.
    const cost = Math.min(Math.ceil(this.#parts.price.points), maxInt);
    return rateLimitView(this.#state, cost, wallMs);
  }

  /** Undefined for callers that may not see prices. */
  extension(): CostExtension | undefined {
    const { isTold, price, timeline, mode, plan, variables } = this.#parts;
    if (!isTold) return undefined;
    const hasRun = this.#actualPoints !== undefined;
    return {
      requestedQueryCost: price.points,
      actualQueryCost: this.#actualPoints ?? null,
      throttleStatus: throttleStatusOf(this.#state.tiers[0]),
      typeCost: price.typeCost,
      fieldCost: price.fieldCost,
      upstreamCalls: price.upstreamCalls,
      actualUpstreamCalls: hasRun ? timeline.calls.length + timeline.droppedCalls : null,
      modelVersion: costModelVersion,
      ...(mode && {
        fields: plan.report(variables, hasRun && this.tally.isCounted ? this.tally : undefined),
      }),
    };
  }

  /** What its events tell of it; undefined unless its caller has asked for a report, and may have it. */
  reported(): ReportedPrice | undefined {
    const { isTold, price, mode } = this.#parts;
    if (!isTold || mode !== 'report') return undefined;
    const { points: requestedQueryCost, typeCost, fieldCost, upstreamCalls } = price;
    return { requestedQueryCost, typeCost, fieldCost, upstreamCalls, modelVersion: costModelVersion };
  }

  /** What the record of the operation says. */
  recorded(): RecordedPrice {
    const { admission, price } = this.#parts;
    const refused = admission.kind === 'refused' ? admission : admission.wouldRefuse;
    return {
      estimatePoints: price.points,
      actualPoints: this.#actualPoints,
      upstreamCalls: price.upstreamCalls,
      refused: refused?.code,
    };
  }
}

/** What a client is told of a budget; null for none. */
export function throttleStatusOf(own: Balance | undefined): ThrottleStatus | null {
  if (!own) return null;
  return {
    maximumAvailable: own.limitPoints,
    currentlyAvailable: own.remainingPoints,
    restoreRate: own.restorePerSecond,
  };
}

function withRefund({ tiers }: BudgetState, points: number): BudgetState {
  return {
    tiers: tiers.map((tier) => ({
      ...tier,
      remainingPoints: Math.max(0, Math.min(tier.limitPoints, tier.remainingPoints + points)),
    })),
  };
}
