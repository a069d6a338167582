import type {
  BudgetStore,
  MaybePromise,
  ReserveAnswer,
  Settlement,
  Tier,
  TierState,
} from './budget-store.ts';
import type { BudgetPolicy } from './policy.ts';

/** How a caller stands: the tiers of its policy in their order, those for mutations behind them. */
export interface BudgetState {
  /** Empty when the policy is off, or when the store is away and cannot tell. */
  readonly tiers: readonly TierState[];
}

/** What asks to run. */
export interface AdmitRequest {
  readonly policy: BudgetPolicy;
  /** The estimate; below 1 counts as 1. */
  readonly points: number;
  readonly isMutation: boolean;
  /** They have been used, and are settled as they are, at once; default false. */
  readonly isSpent?: boolean;
}

/** The exact numbers behind a refusal. */
export interface RefusalNumbers {
  /** The tier that refused, or `operation` for the ceiling of one operation. */
  readonly tier: string;
  readonly costPoints: number;
  readonly limitPoints: number;
  /** Of a tier that has to be waited for. */
  readonly remainingPoints?: number;
  readonly restorePerSecond?: number;
}

/** Nothing was taken. */
export interface Refused {
  readonly kind: 'refused';
  /** Never fits; has to wait; cannot be answered now. */
  readonly code: 'COST_LIMIT_EXCEEDED' | 'RATE_LIMITED' | 'OVERLOADED';
  /** Whole milliseconds; absent where waiting does not help. */
  readonly retryAfterMs?: number;
  /** Absent for `OVERLOADED`, which is no matter of price. */
  readonly numbers?: RefusalNumbers;
  readonly state: BudgetState;
}

/** The estimate is taken. */
export interface Admitted {
  readonly kind: 'admitted';
  /** How the caller stands with the estimate taken. */
  readonly state: BudgetState;
  /** Under `measure`: what would have been answered. Nothing is taken then. */
  readonly wouldRefuse?: Refused;
  /**
   * Charges what the operation really cost (below 1 counts as 1) in place of the estimate, whatever became of it; the
   * first call counts, later ones answer the same. Not called within the lease: the estimate stays charged.
   */
  readonly settle: (actualPoints: number) => MaybePromise<BudgetState>;
}

export type Admission = Admitted | Refused;

/** What {@link createBudget} needs. */
export interface BudgetOptions {
  readonly store: BudgetStore;
  /** How long an operation may take to be settled; above its longest time to run. Default 60,000, 1 to 3,600,000. */
  readonly leaseMs?: number;
  /** Names reservations, unlike any other node's. Default: a random UUID and a counter. */
  readonly newId?: () => string;
  /** Runs for each decision but those of policies that are off; `enforced` is false under `measure`. Must not throw. */
  readonly onDecision?: (decision: Admission, enforced: boolean) => void;
}

/** Books in points: every operation asks here before it runs, and tells here what it cost. */
export interface Budget {
  /** At once where the store answers at once. Rejects or throws only when the store does. */
  readonly admit: (request: AdmitRequest) => MaybePromise<Admission>;
  /**
   * Takes the points of what has run already, such as an event that was executed: as `admit` and `settle` at once, and
   * much cheaper where the store answers at once. Below 1 counts as 1.
   */
  readonly spend: (policy: BudgetPolicy, points: number) => MaybePromise<Admission>;
  /** How a caller stands; mutations' tiers included. */
  readonly peek: (policy: BudgetPolicy) => MaybePromise<BudgetState>;
  /** Ends the store. */
  readonly close: () => Promise<void>;
}

const noTiers: BudgetState = { tiers: [] };

/** A budget on `store`, which it closes. Costs a few microseconds per operation when the store answers at once. */
export function createBudget(options: BudgetOptions): Budget {
  const { store, leaseMs = 60_000, newId = createIds(), onDecision } = options;

  const decide = (answer: ReserveAnswer, id: string, tiers: readonly Tier[], request: AdmitRequest) => {
    const decision =
      answer.kind === 'admitted'
        ? admitted(
            { tiers: answer.states },
            settleOnce(store, { id, tiers, isSpent: request.isSpent ?? false }),
          )
        : ruled(refusalOf(answer, request.points), request.policy);
    onDecision?.(decision, request.policy.mode === 'enforce');
    return decision;
  };

  const admit = (request: AdmitRequest): MaybePromise<Admission> => {
    const { policy, isMutation, isSpent = false } = request;
    const { operationLimitPoints: limitPoints, onStoreFailure } = policy;
    if (policy.mode === 'off') return admitted(noTiers, () => noTiers);
    const points = Math.max(1, request.points);
    const tiers = tiersOf(policy, isMutation);
    if (points > limitPoints) {
      const refusal = ceilingRefusal(points, limitPoints);
      const decision = ruled(refusal, policy);
      onDecision?.(decision, policy.mode === 'enforce');
      return decision;
    }
    if (tiers.length === 0) return admitted(noTiers, () => noTiers);
    const id = newId();
    const answer = store.reserve({ id, tiers, points, leaseMs, onStoreFailure, isSpent });
    return isPromise(answer)
      ? answer.then((value) => decide(value, id, tiers, { ...request, points }))
      : decide(answer, id, tiers, { ...request, points });
  };

  return {
    admit,
    spend: (policy, given) => {
      const { mode, tiers, operationLimitPoints: limitPoints } = policy;
      const points = Math.max(1, given);
      if (mode === 'off' || (points <= limitPoints && store.spend?.(tiers, points))) return spent;
      const admission = admit({ policy, points, isMutation: false, isSpent: true });
      return isPromise(admission)
        ? admission.then((known) => settled(known, points))
        : settled(admission, points);
    },
    peek: (policy) => {
      if (policy.mode === 'off') return noTiers;
      const states = store.peek(tiersOf(policy, true));
      return isPromise(states) ? states.then((tiers) => ({ tiers })) : { tiers: states };
    },
    close: () => store.close(),
  };
}

const spent: Admission = admitted(noTiers, () => noTiers);

function settled(admission: Admission, points: number): MaybePromise<Admission> {
  if (admission.kind === 'refused') return admission;
  const state = admission.settle(points);
  return isPromise(state) ? state.then(() => admission) : admission;
}

function createIds(): () => string {
  const prefix = crypto.randomUUID();
  let count = 0;
  return () => {
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}

function tiersOf({ tiers, mutationTiers = [] }: BudgetPolicy, isMutation: boolean): readonly Tier[] {
  return isMutation && mutationTiers.length > 0 ? [...tiers, ...mutationTiers] : tiers;
}

function admitted(state: BudgetState, settle: Admitted['settle']): Admitted {
  return { kind: 'admitted', state, settle };
}

/** The refusal, or under `measure` an admission that remembers it. */
function ruled(refusal: Refused, { mode }: BudgetPolicy): Admission {
  if (mode === 'enforce') return refusal;
  return { kind: 'admitted', state: refusal.state, wouldRefuse: refusal, settle: () => refusal.state };
}

function settleOnce(
  store: BudgetStore,
  reservation: Pick<Settlement, 'id' | 'tiers' | 'isSpent'>,
): Admitted['settle'] {
  let settled: MaybePromise<BudgetState> | undefined;
  return (actualPoints) => {
    if (settled) return settled;
    const states = store.settle({ ...reservation, points: Math.max(1, actualPoints) });
    settled = isPromise(states) ? states.then((after) => ({ tiers: after })) : { tiers: states };
    return settled;
  };
}

function ceilingRefusal(costPoints: number, limitPoints: number): Refused {
  const numbers = { tier: 'operation', costPoints, limitPoints };
  return { kind: 'refused', code: 'COST_LIMIT_EXCEEDED', numbers, state: noTiers };
}

function refusalOf(answer: Exclude<ReserveAnswer, { kind: 'admitted' }>, costPoints: number): Refused {
  if (answer.kind === 'unavailable')
    return { kind: 'refused', code: 'OVERLOADED', retryAfterMs: answer.retryAfterMs, state: noTiers };
  const { name, limitPoints, restorePerSecond } = answer.tier;
  const numbers = { tier: name, costPoints, limitPoints };
  const state = { tiers: answer.states };
  if (answer.kind === 'never') return { kind: 'refused', code: 'COST_LIMIT_EXCEEDED', numbers, state };
  const remainingPoints = answer.states.find((tier) => tier.name === name)?.remainingPoints ?? 0;
  return {
    kind: 'refused',
    code: 'RATE_LIMITED',
    retryAfterMs: answer.waitMs,
    numbers: { ...numbers, remainingPoints, restorePerSecond },
    state,
  };
}

function isPromise<Value>(value: MaybePromise<Value>): value is Promise<Value> {
  return value instanceof Promise;
}
