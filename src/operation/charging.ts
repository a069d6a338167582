import { type DocumentNode, getOperationAST, Kind } from 'graphql';
import { WeirError } from '../errors.ts';
import type { Admission, Budget } from '../guard/budget/budget.ts';
import type { BudgetPolicy, BudgetPolicyFor } from '../guard/budget/policy.ts';
import type { CostModel } from '../guard/cost/cost-model.ts';
import { compilePrice, type Price, type PricePlan } from '../guard/cost/price-plan.ts';
import type { Principal } from '../identity/principal.ts';
import type { Log } from '../observe/log.ts';
import { admittedPoints } from './admitted-points.ts';
import { Charge, type CostMode } from './charge.ts';
import type { OperationContext } from './context.ts';

/** What prices the operations of one variant, and who keeps the books. */
export interface ChargingParts {
  readonly model: CostModel;
  readonly budget: Budget;
  readonly policyFor: BudgetPolicyFor;
  readonly variant: string;
  /** Points that one operation may ask of an upstream, by its name; absent: no ceiling. */
  readonly upstreamLimitPoints: Readonly<Record<string, number>>;
  /** Whether a caller may see prices. */
  readonly isTold: (principal: Principal) => boolean;
  readonly log: Log;
}

/** An operation that is to be priced: parsed and validated. */
export interface PricedOperation {
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  /** Coerced; null when they are not known: then it is priced at its worst. */
  readonly variables: Readonly<Record<string, unknown>> | null;
  readonly isMutation: boolean;
  /** Default false. */
  readonly isSubscription?: boolean;
  readonly mode: CostMode | undefined;
}

/** Prices operations, and asks budgets for what they may cost. */
export interface Charging {
  /**
   * Prices an operation, and takes its estimate from the caller's budgets (under `validate` takes nothing); at once where
   * the store answers at once. Throws `FORBIDDEN` when a caller asks for prices who may not see them.
   */
  readonly begin: (operation: PricedOperation, context: OperationContext) => Charge | Promise<Charge>;
  /** Compiles the prices of a document before it is asked for, as its clients may name its operations. */
  readonly prepare: (document: DocumentNode) => void;
  /** The books of a caller, for what is charged without an operation: the events of a subscription. */
  readonly accountOf: (principal: Principal) => { readonly budget: Budget; readonly policy: BudgetPolicy };
}

type KnownPlans = WeakMap<DocumentNode, Map<string, PricePlan>>;

/** Prices by one model; plans live as long as the documents that they are made of. */
export function createCharging(parts: ChargingParts): Charging {
  const plans: KnownPlans = new WeakMap();
  return {
    prepare: (document) => {
      const names = operationNamesOf(document);
      if (names.length === 1) planOf(plans, parts.model, { document, operationName: undefined });
      for (const operationName of names) planOf(plans, parts.model, { document, operationName });
    },
    accountOf: (principal) => ({
      budget: parts.budget,
      policy: parts.policyFor(principal, parts.variant),
    }),
    begin: (operation, context) => {
      const { variables, isMutation, isSubscription = false, mode } = operation;
      const mayKnow = parts.isTold(context.principal);
      if (mode !== undefined && !mayKnow) throw new WeirError('FORBIDDEN', { message: forbidden });
      const plan = planOf(plans, parts.model, operation);
      const price = plan.estimate(variables);
      refuseUpstreams(price, parts.upstreamLimitPoints, context);
      const policy = parts.policyFor(context.principal, parts.variant);
      // Where no books are kept, prices are told to those who ask.
      const isTold = mayKnow && (policy.mode !== 'off' || mode !== undefined);
      const { timeline, requestId } = context;
      const onUnsettled = (err: unknown) => parts.log.warn({ requestId, err }, 'a budget was not settled');
      const reservedPoints = admittedPoints(price.points, policy, isSubscription);
      const given = { plan, variables, price, reservedPoints, timeline, isTold, mode, onUnsettled };
      const chargeOf = (admission: Admission) => new Charge({ ...given, admission });
      const admission =
        mode === 'validate'
          ? peekedBy(parts.budget, policy)
          : parts.budget.admit({ policy, points: reservedPoints, isMutation });
      return admission instanceof Promise ? admission.then(chargeOf) : chargeOf(admission);
    },
  };
}

const forbidden =
  'Header "GraphQL-Cost": prices are shown to callers with the scope of prices.scope only. Leave the header out.';

function operationNamesOf({ definitions }: DocumentNode): readonly (string | undefined)[] {
  return definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? [definition.name?.value] : [],
  );
}

function planOf(
  known: KnownPlans,
  model: CostModel,
  { document, operationName }: Pick<PricedOperation, 'document' | 'operationName'>,
): PricePlan {
  const ofDocument = known.get(document) ?? new Map<string, PricePlan>();
  known.set(document, ofDocument);
  const name = operationName ?? '';
  const found = ofDocument.get(name);
  if (found) return found;
  // The one operation of a document has one price, whether it is named or not.
  const ownName = getOperationAST(document, operationName)?.name?.value ?? name;
  const plan = ofDocument.get(ownName) ?? compilePrice(model, document, operationName);
  ofDocument.set(ownName, plan).set(name, plan);
  return plan;
}

/** What an upstream may not be asked for is null in the answer; the rest of the answer stands. */
function refuseUpstreams(
  { upstreams }: Price,
  limits: Readonly<Record<string, number>>,
  context: OperationContext,
): void {
  for (const name in upstreams) {
    const costPoints = upstreams[name] ?? 0;
    const limitPoints = limits[name];
    if (limitPoints === undefined || costPoints <= limitPoints) continue;
    const message = `This part of the operation costs ${costPoints} points of one service, and the most is ${limitPoints}. Ask for smaller pages or fewer fields.`;
    const extensions = { costPoints, limitPoints };
    context.upstreams[name]?.refuse(new WeirError('COST_LIMIT_EXCEEDED', { message, extensions }));
  }
}

/** Nothing is taken, and nothing will be given back. */
function peekedBy(budget: Budget, policy: ReturnType<BudgetPolicyFor>): Admission | Promise<Admission> {
  const state = budget.peek(policy);
  const admitted = (known: Awaited<typeof state>): Admission => ({
    kind: 'admitted',
    state: known,
    settle: () => known,
  });
  return state instanceof Promise ? state.then(admitted) : admitted(state);
}
