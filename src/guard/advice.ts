import type { TrafficOperation } from '../observe/traffic.ts';

/** A limit and the share (0 to 1) of the recorded operations that it would refuse. */
export interface CeilingAdvice {
  readonly limitPoints: number;
  readonly refusedShare: number;
}

/** A budget, and whom it would refuse how much. */
export interface BudgetAdvice {
  readonly callerKind: string;
  readonly limitPoints: number;
  readonly restorePerSecond: number;
  readonly refusedShare: number;
  readonly refusedCallers: number;
  readonly callers: number;
}

/** How long a list was: mean rows per parent of one operation, over all operations that asked for it. */
export interface ListAdvice {
  /** `Type.field`. */
  readonly field: string;
  readonly operations: number;
  readonly median: number;
  readonly p99: number;
  readonly largest: number;
}

/** A root field whose operations take much longer for each point than others do. */
export interface WeightAdvice {
  /** `Type.field`. */
  readonly field: string;
  readonly operations: number;
  /** Milliseconds per point, by the median of all operations: 2 is twice as slow as its price says. */
  readonly factor: number;
}

/** What recorded traffic says of the limits that would fit it. */
export interface Advice {
  readonly operations: number;
  /** Ascending; `proposed` is the smallest that refuses no more than the wanted share. */
  readonly ceilings: readonly CeilingAdvice[];
  readonly proposedCeiling: CeilingAdvice | undefined;
  /** For each kind of caller, ascending. */
  readonly budgets: readonly BudgetAdvice[];
  readonly proposedBudgets: readonly BudgetAdvice[];
  readonly lists: readonly ListAdvice[];
  readonly weights: readonly WeightAdvice[];
}

/** What traffic is looked at with. */
export interface AdviceOptions {
  /** Share of the operations that limits may refuse, 0 to 1. */
  readonly refusedShare: number;
  /** `Type.field` of a place in the answer of a document, by its response names; undefined for what is no field of the schema. */
  readonly fieldAt: (document: string, path: string) => FieldFacts | undefined;
}

/** What the schema says of one place in an answer. */
export interface FieldFacts {
  readonly coordinate: string;
  readonly isList: boolean;
}

const ceilings = [50, 100, 250, 500, 1000, 2500, 5000, 10_000];
/** Twenty seconds of refill each, as clients of the field know it. */
const budgetSteps = [100, 250, 500, 1000, 2000, 5000, 10_000, 50_000];
const secondsToFill = 20;
/** Operations below which nothing is said of a root field's speed. */
const minSpeedSamples = 20;
const slowFactor = 2;

/** Proposes ceilings, budgets, list sizes and weights from recorded operations in any order; pure. */
export function adviseLimits(recorded: readonly TrafficOperation[], options: AdviceOptions): Advice {
  const operations = [...recorded].sort((one, other) => one.atMs - other.atMs);
  const estimates = operations.map(({ estimatePoints }) => estimatePoints);
  const ceilingRows = ceilings.map((limitPoints) => ({
    limitPoints,
    refusedShare: shareOf(estimates, (points) => points > limitPoints),
  }));
  const fits = ({ refusedShare }: { readonly refusedShare: number }) => refusedShare <= options.refusedShare;
  const budgets = [...groupBy(operations, ({ callerKind }) => callerKind)].flatMap(([callerKind, ofKind]) =>
    budgetSteps.map((limitPoints) => budgetAdvice(callerKind, ofKind, limitPoints)),
  );
  const kinds = new Set(budgets.map(({ callerKind }) => callerKind));
  return {
    operations: operations.length,
    ceilings: ceilingRows,
    proposedCeiling: ceilingRows.find(fits),
    budgets,
    proposedBudgets: [...kinds].flatMap(
      (kind) => budgets.find((row) => row.callerKind === kind && fits(row)) ?? [],
    ),
    lists: listAdvice(operations, options),
    weights: weightAdvice(operations, options),
  };
}

function shareOf<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  return items.length === 0 ? 0 : items.filter(holds).length / items.length;
}

/** Plays a budget through the record: each operation needs its estimate, and pays what it used. */
function budgetAdvice(
  callerKind: string,
  operations: readonly TrafficOperation[],
  limitPoints: number,
): BudgetAdvice {
  const restorePerSecond = limitPoints / secondsToFill;
  const levels = new Map<string, { points: number; atMs: number }>();
  const refusedCallers = new Set<string>();
  let refused = 0;
  for (const { caller, atMs, estimatePoints, actualPoints } of operations) {
    const level = levels.get(caller) ?? { points: limitPoints, atMs };
    const restored = level.points + ((atMs - level.atMs) / 1000) * restorePerSecond;
    const points = Math.min(limitPoints, restored);
    const isRefused = estimatePoints > points;
    if (isRefused) refusedCallers.add(caller);
    refused += Number(isRefused);
    levels.set(caller, { points: isRefused ? points : points - actualPoints, atMs });
  }
  return {
    callerKind,
    limitPoints,
    restorePerSecond,
    refusedShare: operations.length === 0 ? 0 : refused / operations.length,
    refusedCallers: refusedCallers.size,
    callers: levels.size,
  };
}

function listAdvice(operations: readonly TrafficOperation[], { fieldAt }: AdviceOptions): ListAdvice[] {
  const sizes = new Map<string, number[]>();
  for (const { document, counts } of operations) {
    const byPath = countsByPath(counts);
    for (const [path, count] of byPath) {
      const field = fieldAt(document, path);
      const parents = byPath.get(parentOf(path)) ?? 0;
      if (!field?.isList || parents === 0) continue;
      entryOf(sizes, field.coordinate).push(count / parents);
    }
  }
  return [...sizes]
    .map(([field, values]) => ({
      field,
      operations: values.length,
      median: quantile(values, 0.5),
      p99: quantile(values, 0.99),
      largest: quantile(values, 1),
    }))
    .sort((one, other) => other.operations - one.operations);
}

/** Objects at each place, of whatever type. */
function countsByPath(counts: TrafficOperation['counts']): Map<string, number> {
  const byPath = new Map<string, number>();
  for (const [key, count] of Object.entries(counts)) {
    const path = key.slice(0, key.lastIndexOf(' '));
    byPath.set(path, (byPath.get(path) ?? 0) + count);
  }
  return byPath;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.')));
}

function weightAdvice(operations: readonly TrafficOperation[], { fieldAt }: AdviceOptions): WeightAdvice[] {
  const speeds = new Map<string, number[]>();
  const all: number[] = [];
  for (const { document, counts, durationMs, actualPoints } of operations) {
    const speed = durationMs / Math.max(1, actualPoints);
    all.push(speed);
    const roots = new Set(
      [...countsByPath(counts).keys()].filter((path) => path !== '' && !path.includes('.')),
    );
    for (const root of roots) {
      const field = fieldAt(document, root);
      if (field) entryOf(speeds, field.coordinate).push(speed);
    }
  }
  const usual = quantile(all, 0.5);
  return [...speeds]
    .filter(([, values]) => values.length >= minSpeedSamples && usual > 0)
    .map(([field, values]) => ({
      field,
      operations: values.length,
      factor: quantile(values, 0.5) / usual,
    }))
    .filter(({ factor }) => factor >= slowFactor)
    .sort((one, other) => other.factor - one.factor);
}

/** Nearest rank; 0 for nothing. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) entryOf(groups, keyOf(item)).push(item);
  return groups;
}

function entryOf<Item>(groups: Map<string, Item[]>, key: string): Item[] {
  const known = groups.get(key);
  if (known) return known;
  const made: Item[] = [];
  groups.set(key, made);
  return made;
}
