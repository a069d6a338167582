import type { GraphQLObjectType } from 'graphql';
import type { CostModel } from './cost-model.ts';
import { type Case, type Costs, type FieldUse, fieldCosts, type Place, placeCosts } from './formula.ts';

/** A field with what is known of its price before the variables. */
export function createFieldUse(model: CostModel, field: Omit<FieldUse, 'known'>): FieldUse {
  const draft: FieldUse = { ...field, known: undefined };
  if (dependsOnVariables(draft)) return draft;
  return { ...draft, known: fieldCosts({ model, variables: {}, shared: undefined }, draft) };
}

/** A case of a place. */
export function createCase(types: readonly GraphQLObjectType[], fields: readonly FieldUse[]): Case {
  return { types, fields, priced: fields.filter(({ known }) => !known || !isFree(known)) };
}

/** A place with what is known of its price before the variables; `deferred` fragments of an object may come later. */
export function createPlace(model: CostModel, cases: readonly Case[], deferred = 0): Place {
  const fields = new Set(cases.flatMap((one) => one.fields));
  const calling = [...fields].filter(({ calls, place }) => calls.length > 0 || place?.calling.length);
  const draft: Place = { cases, known: undefined, calling, loaders: loadersOf(calling), deferred };
  if (cases.some(({ priced }) => priced.some(({ known }) => !known))) return draft;
  return { ...draft, known: placeCosts({ model, variables: {}, shared: undefined }, draft) };
}

function loadersOf(calling: readonly FieldUse[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const add = (loader: string, count: number) => counts.set(loader, (counts.get(loader) ?? 0) + count);
  for (const { calls, place } of calling) {
    for (const { loader } of calls) if (loader !== undefined) add(loader, 1);
    for (const [loader, count] of place?.loaders ?? []) add(loader, count);
  }
  return counts;
}

function dependsOnVariables({ lengths, inputs, place }: FieldUse): boolean {
  if (place && !place.known) return true;
  return inputs.some(({ varying }) => varying.length > 0) || lengths.some((chain) => chain.some(isVarying));
}

function isVarying({ variables }: FieldUse['lengths'][number][number]): boolean {
  return variables.length > 0;
}

function isFree({ typeCost, fieldCost, points }: Costs): boolean {
  return typeCost === 0 && fieldCost === 0 && points === 0;
}
