import type { CostExtension } from '../../src/operation/charge.ts';
import type { GeneratedOperation } from './generate-operation.ts';

/** What is looked at of an operation that was answered. */
export interface Answered {
  readonly operation: GeneratedOperation;
  /** Undefined for one that was refused before it had a price. */
  readonly cost: CostExtension | undefined;
}

/** What became of many operations. */
export interface EstimateReport {
  readonly operations: number;
  /** Refused before they had a price: by a bound on their shape, or by their variables. */
  readonly unpriced: number;
  /** Those that used all that was estimated, and those that used less. */
  readonly exact: number;
  readonly below: number;
  /** Used points of all together, as a share of those that were estimated. */
  readonly usedShare: number;
  readonly largestEstimate: number;
  /** Those that made exactly as many calls as they may. */
  readonly exactCalls: number;
  /** Calls of all together. */
  readonly calls: number;
  /** One for each that used more than was estimated: the operation, and what was wrong. */
  readonly faults: readonly string[];
}

/** Limits for operations that are stranger than those that people write. */
export const generatedLimits = {
  maxTokens: 20_000,
  maxAliases: 1000,
  maxDirectives: 1000,
  maxFragments: 1000,
  maxRootFields: 100,
  maxVariables: 1000,
} as const;

/** Looks whether anything used more than was estimated. */
export function reportEstimates(answers: Iterable<Answered>): EstimateReport {
  const all = [...answers];
  const priced = all.flatMap(({ cost, operation }) => (cost ? [{ cost, operation }] : []));
  const costs = priced.map(({ cost }) => cost).filter(({ actualQueryCost }) => actualQueryCost !== null);
  const count = (holds: (cost: CostExtension) => boolean) => costs.filter(holds).length;
  const sum = (number: (cost: CostExtension) => number | null) =>
    costs.reduce((total, cost) => total + (number(cost) ?? 0), 0);
  const estimated = sum(({ requestedQueryCost }) => requestedQueryCost);
  return {
    operations: all.length,
    unpriced: all.length - priced.length,
    exact: count(({ requestedQueryCost, actualQueryCost }) => actualQueryCost === requestedQueryCost),
    below: count(({ requestedQueryCost, actualQueryCost }) => (actualQueryCost ?? 0) < requestedQueryCost),
    usedShare: estimated === 0 ? 0 : sum(({ actualQueryCost }) => actualQueryCost) / estimated,
    largestEstimate: Math.max(0, ...costs.map(({ requestedQueryCost }) => requestedQueryCost)),
    exactCalls: count(({ upstreamCalls, actualUpstreamCalls }) => actualUpstreamCalls === upstreamCalls),
    calls: sum(({ actualUpstreamCalls }) => actualUpstreamCalls),
    faults: priced.flatMap(({ cost, operation }) =>
      faultsOf(cost).map((fault) => `${fault}: ${JSON.stringify(operation)}`),
    ),
  };
}

/** What is wrong with the price of one answered operation. */
function faultsOf(cost: CostExtension): readonly string[] {
  const { requestedQueryCost, actualQueryCost, upstreamCalls, actualUpstreamCalls } = cost;
  return [
    ...(Number.isFinite(requestedQueryCost) ? [] : ['the estimate has no bound']),
    ...((actualQueryCost ?? 0) > requestedQueryCost
      ? [`used ${actualQueryCost} points of ${requestedQueryCost}`]
      : []),
    ...((actualUpstreamCalls ?? 0) > upstreamCalls
      ? [`made ${actualUpstreamCalls} calls of ${upstreamCalls}`]
      : []),
  ];
}

/** Asks all operations, so many at a time. */
export async function answersOf(
  all: readonly GeneratedOperation[],
  lanes: number,
  costOf: (operation: GeneratedOperation) => Promise<CostExtension | undefined>,
): Promise<readonly Answered[]> {
  const answers: Answered[] = [];
  const left = all.values();
  const work = async () => {
    for (const operation of left) answers.push({ operation, cost: await costOf(operation) });
  };
  await Promise.all(Array.from({ length: lanes }, work));
  return answers;
}

/** Posts an operation and reads what it cost. */
export async function postForCost(
  url: string,
  { document, operationName, variables }: GeneratedOperation,
  authorization = '',
): Promise<CostExtension | undefined> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    body: JSON.stringify({ query: document, operationName, variables }),
  });
  const answer: { readonly extensions?: { readonly cost?: CostExtension } } = await response.json();
  return answer.extensions?.cost;
}
