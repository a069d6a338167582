import type { GraphQLObjectType } from 'graphql';
import type { CostModel } from './cost-model.ts';
import { type InputsRule, inputsCost, type Variables } from './input-cost.ts';
import { type DeclaredLength, lengthOf } from './list-length.ts';
import { clamp, times } from './saturating.ts';
import type { FieldCall } from './weights.ts';

/** The three prices of a part of an operation. */
export interface Costs {
  readonly typeCost: number;
  readonly fieldCost: number;
  readonly points: number;
}

/** What stands where an object is answered: one case for each way its object type can make its fields differ. */
export interface Place {
  readonly cases: readonly Case[];
  /** Price of one object; undefined when it depends on variables. */
  readonly known: Costs | undefined;
  /** The fields that make calls, themselves or further down, each once. */
  readonly calling: readonly FieldUse[];
  /** How many fields here and further down use each loader. */
  readonly loaders: ReadonlyMap<string, number>;
  /** Fragments of one object that may come later (`@defer`). */
  readonly deferred: number;
}

/** What is asked of objects of some object types. */
export interface Case {
  readonly types: readonly GraphQLObjectType[];
  readonly fields: readonly FieldUse[];
  /** Those that are not free whatever the variables are. */
  readonly priced: readonly FieldUse[];
}

/** One field of an answer, on objects of one case: all nodes of the document that ask for it, together. */
export interface FieldUse {
  /** Its name in the answer. */
  readonly key: string;
  /** Type of one item. */
  readonly typename: string;
  readonly callWeight: number;
  readonly itemWeight: number;
  /** Points of one item: `@cost` of the field; undefined: that of its type. */
  readonly ownPoints: number | undefined;
  readonly isList: boolean;
  /** Whether its items may come one by one (`@stream`). */
  readonly isStreamed: boolean;
  /** Where the length of the list may be said, the first that says it first; the largest of these counts. */
  readonly lengths: readonly (readonly DeclaredLength[])[];
  /** Lengths that it hands down to lists in its own object. */
  readonly handedDown: readonly DeclaredLength[];
  /** Of each node and definition; the dearest counts. */
  readonly inputs: readonly InputsRule[];
  readonly calls: readonly FieldCall[];
  /** Undefined for leaves. */
  readonly place: Place | undefined;
  /** Price of one use; undefined when it depends on variables. */
  readonly known: Costs | undefined;
}

/** One evaluation. */
export interface Evaluation {
  readonly model: CostModel;
  readonly variables: Variables;
  /** Prices of places that several fields share; undefined where none do. */
  readonly shared: Map<Place, Costs> | undefined;
}

/** What is free. */
export const nothing: Costs = { typeCost: 0, fieldCost: 0, points: 0 };

/** The price of one object at a place: of the dearest case, for each of the three prices by itself. */
export function placeCosts(evaluation: Evaluation, place: Place): Costs {
  const known = place.known ?? evaluation.shared?.get(place);
  if (known) return known;
  let typeCost = 0;
  let fieldCost = 0;
  let points = 0;
  for (const { priced } of place.cases) {
    const costs = sumCosts(evaluation, priced);
    typeCost = Math.max(typeCost, costs.typeCost);
    fieldCost = Math.max(fieldCost, costs.fieldCost);
    points = Math.max(points, costs.points);
  }
  const costs = { typeCost, fieldCost, points };
  evaluation.shared?.set(place, costs);
  return costs;
}

/** The price of fields that are answered together. */
export function sumCosts(evaluation: Evaluation, fields: readonly FieldUse[]): Costs {
  let typeCost = 0;
  let fieldCost = 0;
  let points = 0;
  for (const field of fields) {
    const costs = fieldCosts(evaluation, field);
    typeCost += costs.typeCost;
    fieldCost += costs.fieldCost;
    points += costs.points;
  }
  return { typeCost, fieldCost, points };
}

/**
 * The price of one field on one object. `typeCost` and `fieldCost` by the IBM GraphQL Cost Directives: the sums are
 * signed and clamped once, at the field; a list pays for its call once and for its items each. `points` are size x
 * (own + children) + arguments, clamped for each item and for each field, so that they grow with the size.
 */
export function fieldCosts(evaluation: Evaluation, field: FieldUse): Costs {
  if (field.known) return field.known;
  const item = field.place ? placeCosts(evaluation, field.place) : nothing;
  const count = countOf(evaluation, field);
  const inputs = inputsOf(evaluation, field);
  const own = field.ownPoints ?? field.itemWeight;
  return {
    typeCost: clamp(times(count, field.itemWeight + item.typeCost)),
    fieldCost: clamp(field.callWeight + inputs) + times(count, item.fieldCost),
    points: clamp(times(count, clamp(own + item.points)) + inputs),
  };
}

/** Items of a field on one object: 1 for what is no list. */
export function countOf({ model, variables }: Evaluation, { isList, lengths }: FieldUse): number {
  if (!isList) return 1;
  let count = 0;
  for (const chain of lengths)
    count = Math.max(count, firstLength(chain, variables) ?? model.defaultListSize);
  return count;
}

/** Items that a field gives, or hands down to lists in its own object when it says so. */
export function itemsOf(evaluation: Evaluation, field: FieldUse): number {
  const { model, variables } = evaluation;
  if (field.handedDown.length === 0) return countOf(evaluation, field);
  return Math.max(
    ...field.handedDown.map((declared) => lengthOf(declared, variables) ?? model.defaultListSize),
  );
}

/** What the arguments of a field and of directives on it add to one call; may be below 0. */
export function inputsOf({ model, variables }: Evaluation, { inputs }: FieldUse): number {
  let dearest = Number.NEGATIVE_INFINITY;
  for (const rule of inputs) dearest = Math.max(dearest, inputsCost(model, rule, variables));
  return dearest;
}

function firstLength(chain: readonly DeclaredLength[], variables: Variables): number | undefined {
  for (const declared of chain) {
    const length = lengthOf(declared, variables);
    if (length !== undefined) return length;
  }
  return undefined;
}
