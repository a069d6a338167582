import type { DocumentNode } from 'graphql';
import { type ActualPoints, createActualPoints } from './actual-points.ts';
import { conditionVariables, type Outcome } from './conditions.ts';
import type { CostModel } from './cost-model.ts';
import { deferredParts } from './deferred-parts.ts';
import { type Costs, type Evaluation, type Place, placeCosts } from './formula.ts';
import { memberOf, type Variables } from './input-cost.ts';
import { operationPartsFrom } from './operation-parts.ts';
import { countsByPath, createPriceReport, type PriceNode } from './price-report.ts';
import { createFormulas, type Formula } from './priced-operation.ts';
import { clamp } from './saturating.ts';
import type { Tally } from './tally.ts';
import { coarseCalls, dearestCalls, exactCalls } from './upstream-calls.ts';

/** Points that each root field of a mutation costs on top. */
const mutationPoints = 10;

/** The least that an operation costs, in points. */
const minPoints = 1;

/** How much of a number of points may be rounding. */
const maxRounding = 1e-9;

/** The price of an operation; every number may be Infinity. */
export interface Price {
  /** IBM GraphQL Cost Directives: the weights of all objects and leaves that may be answered. */
  readonly typeCost: number;
  /** IBM GraphQL Cost Directives: the weights of all fields that may be resolved. */
  readonly fieldCost: number;
  /** What is charged, from 1. */
  readonly points: number;
  /** Upstream calls that it makes at most. */
  readonly upstreamCalls: number;
  /** Points by upstream, for the calls and keys that it may make and load there at most. */
  readonly upstreams: Readonly<Record<string, number>>;
}

/** The price of one operation as a formula over its variables. */
export interface PricePlan {
  /**
   * The price before it runs. `variables` are coerced values, with defaults; of null nothing is known, so it is the
   * worst case. A condition without a value is taken both ways, and the dearer one counts.
   */
  readonly estimate: (variables: Variables) => Price;
  /** The points that it really used, by what was counted; the estimate when nothing was. Never above the estimate. */
  readonly actual: (variables: Variables, tally: Tally) => number;
  /** The most parts that may come later where the answer comes in parts (`@defer`, `@stream`). */
  readonly deferredParts: (variables: Variables) => number;
  /** What each field adds to the points. */
  readonly report: (variables: Variables, tally?: Tally) => PriceNode;
}

/**
 * Compiles the price of an operation; the document must be valid for the model's schema, but RangeError is all it
 * throws for one that is not. Exact while its cases are few enough ({@link maxExactWork}), else never below that.
 */
export function compilePrice(
  model: CostModel,
  document: DocumentNode,
  operationName?: string | null,
): PricePlan {
  const parts = operationPartsFrom(model, document, operationName);
  const names = conditionVariables(document, parts.operation);
  const formulas = createFormulas(parts, names);
  const unconditional = names.length === 0 ? formulas.forOutcomes(new Map()) : undefined;
  const actualPoints = new WeakMap<Formula, ActualPoints>();

  function priced(variables: Variables): PricedCases {
    const [first, ...others] = unconditional ?? formulas.forOutcomes(outcomeFrom(names, variables));
    return [priceOf(model, first, variables), ...others.map((formula) => priceOf(model, formula, variables))];
  }

  return {
    estimate: (variables) => dearestPrice(priced(variables)),
    actual(variables, tally) {
      const cases = priced(variables);
      const { formula, evaluation, price } = dearestCase(cases);
      if (!formula.isExact || cases.length > 1 || !tally.isCounted) return price.points;
      const compute = actualPoints.get(formula) ?? createActualPoints(model, formula.root);
      actualPoints.set(formula, compute);
      const used = totalPoints(formula, compute(evaluation, new Map(tally.entries())));
      return isRounding(used - price.points, price.points) ? price.points : used;
    },
    deferredParts: (variables) =>
      Math.max(
        ...priced(variables).map(({ formula, evaluation }) => deferredParts(evaluation, formula.root)),
      ),
    report(variables, tally) {
      const { formula, evaluation, price } = dearestCase(priced(variables));
      return createPriceReport(evaluation, formula, {
        typename: parts.rootType.name,
        ownPoints: formula.mutations * mutationPoints,
        total: price.points,
        counts: tally?.isCounted ? countsByPath(tally.entries()) : undefined,
      });
    },
  };
}

/** The price for one outcome of an operation's conditions. */
interface PricedCase {
  readonly formula: Formula;
  readonly evaluation: Evaluation;
  readonly price: Price;
}

type PricedCases = readonly [PricedCase, ...PricedCase[]];

function outcomeFrom(names: readonly string[], variables: Variables): Outcome {
  const known = new Map<string, boolean>();
  for (const name of names) {
    const value = variables && memberOf(variables, name);
    if (typeof value === 'boolean') known.set(name, value);
  }
  return known;
}

function priceOf(model: CostModel, formula: Formula, variables: Variables): PricedCase {
  const { root, rootWeight, isExact } = formula;
  const evaluation = { model, variables, shared: isExact ? undefined : new Map<Place, Costs>() };
  const costs = placeCosts(evaluation, root);
  const { calls, upstreams } = isExact ? exactCalls(evaluation, root) : coarseCalls(evaluation, root);
  const price = {
    typeCost: clamp(rootWeight + costs.typeCost),
    fieldCost: costs.fieldCost,
    points: totalPoints(formula, costs.points),
    upstreamCalls: calls,
    upstreams,
  };
  return { formula, evaluation, price };
}

function totalPoints({ mutations }: Formula, points: number): number {
  return Math.max(minPoints, mutations * mutationPoints + points);
}

/** Weights that are no binary fractions add up to other last digits in another order. */
function isRounding(excess: number, points: number): boolean {
  return excess > 0 && excess <= points * maxRounding;
}

function dearestCase([first, ...others]: PricedCases): PricedCase {
  return others.reduce((dearest, one) => (one.price.points > dearest.price.points ? one : dearest), first);
}

/** For each number by itself the largest. */
function dearestPrice(cases: PricedCases): Price {
  const prices = cases.map(({ price }) => price);
  const [only] = prices;
  if (only && prices.length === 1) return only;
  const { calls, upstreams } = dearestCalls(
    prices.map((price) => ({ calls: price.upstreamCalls, upstreams: price.upstreams })),
  );
  return {
    typeCost: Math.max(...prices.map(({ typeCost }) => typeCost)),
    fieldCost: Math.max(...prices.map(({ fieldCost }) => fieldCost)),
    points: Math.max(...prices.map(({ points }) => points)),
    upstreamCalls: calls,
    upstreams,
  };
}
