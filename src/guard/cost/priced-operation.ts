import { OperationTypeNode } from 'graphql';
import { compileCoarse } from './coarse-formula.ts';
import { countFields } from './collect-fields.ts';
import type { Outcome } from './conditions.ts';
import { compileExact } from './exact-formula.ts';
import type { Place } from './formula.ts';
import type { OperationParts } from './operation-parts.ts';

/** Selections that may be looked at to compile one operation exactly, over all of its object types. */
export const maxExactWork = 10_000;

/** The same for all outcomes together that have to be compared, when conditions are without a value. */
const maxOutcomesWork = 4 * maxExactWork;

/** Formulas that one operation keeps, each for one outcome of its conditions, and their work; the oldest goes first. */
const maxFormulas = 64;
const maxKeptWork = 2 * maxExactWork;

/** Variables of conditions that may be without a value at once: 2 to that power outcomes are priced, else one for all. */
const maxUnknownConditions = 6;

/** How an operation is priced for one outcome of its conditions. */
export interface Formula {
  readonly root: Place;
  /** Of the root's object type. */
  readonly rootWeight: number;
  /** Whether it is exact, else it is never below that. */
  readonly isExact: boolean;
  /** Root fields of a mutation; 0 for other operations. */
  readonly mutations: number;
  /** Selections that were looked at to compile it. */
  readonly work: number;
}

type AtLeastOne<Item> = readonly [Item, ...Item[]];

/** The formulas of one operation, compiled when they are first needed. */
export interface Formulas {
  /** One for each outcome that the conditions may have, or one that is never below these. */
  readonly forOutcomes: (known: Outcome) => AtLeastOne<Formula>;
}

/** The formulas of an operation whose conditions are decided by the variables `names`. */
export function createFormulas(parts: OperationParts, names: readonly string[]): Formulas {
  const formulas = new Map<string, Formula>();
  let keptWork = 0;
  // Nobody waits for an exact price of what is too much at first sight.
  const exactWork = countFields(parts) > maxExactWork ? 0 : maxExactWork;

  function formulaFor(outcome: Outcome, maxWork: number): Formula {
    const key = [maxWork > 0, ...names.map((name) => outcome.get(name) ?? '')].join();
    const known = formulas.get(key);
    if (known) return known;
    const formula = compile(parts, outcome, maxWork);
    formulas.set(key, formula);
    keptWork += formula.work;
    for (const [oldest, { work }] of formulas) {
      if (oldest === key || (formulas.size <= maxFormulas && keptWork <= maxKeptWork)) break;
      formulas.delete(oldest);
      keptWork -= work;
    }
    return formula;
  }

  function exactFormulas([first, ...others]: AtLeastOne<Outcome>): AtLeastOne<Formula> | undefined {
    const found: [Formula, ...Formula[]] = [formulaFor(first, exactWork)];
    // Counted for those that are known as well, so that the price does not depend on what was asked before.
    let { isExact, work } = found[0];
    for (const outcome of others) {
      if (!isExact || work > maxOutcomesWork) return undefined;
      const formula = formulaFor(outcome, exactWork);
      isExact = formula.isExact;
      work += formula.work;
      found.push(formula);
    }
    return isExact && work <= maxOutcomesWork ? found : undefined;
  }

  return {
    forOutcomes(known) {
      const unknown = names.filter((name) => !known.has(name));
      const exact = unknown.length <= maxUnknownConditions && exactFormulas(outcomesFrom(known, unknown));
      // One that takes both sides of the conditions without a value.
      return exact || [formulaFor(known, unknown.length > maxUnknownConditions ? exactWork : 0)];
    },
  };
}

function outcomesFrom(known: Outcome, unknown: readonly string[]): AtLeastOne<Outcome> {
  const outcomes: [Outcome, ...Outcome[]] = [known];
  for (const name of unknown) {
    const others = outcomes.map((outcome) => new Map([...outcome, [name, true]]));
    outcomes.forEach((outcome, index) => {
      outcomes[index] = new Map([...outcome, [name, false]]);
    });
    outcomes.push(...others);
  }
  return outcomes;
}

function compile(parts: OperationParts, outcome: Outcome, maxWork: number): Formula {
  const work = { left: maxWork };
  const exact = compileExact(parts, outcome, work);
  const root = exact ?? compileCoarse(parts, outcome);
  const isMutation = parts.operation.operation === OperationTypeNode.MUTATION;
  return {
    root,
    rootWeight: parts.model.weightOfType(parts.rootType),
    isExact: exact !== undefined,
    mutations: isMutation ? (root.cases[0]?.fields.length ?? 0) : 0,
    work: maxWork - work.left,
  };
}
