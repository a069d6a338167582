import type { CostModel } from './cost-model.ts';
import { type Evaluation, type FieldUse, fieldCosts, inputsOf, type Place } from './formula.ts';
import { clamp, times } from './saturating.ts';

/** A place of the answer, by its response names: all that may be answered there, of whatever types. */
interface Spot {
  /** Points of one object, by where and what it is. */
  readonly objects: readonly { readonly key: string; readonly own: number }[];
  readonly fields: readonly SpotField[];
}

interface SpotField {
  /** The field on each of the object types that have it. */
  readonly parents: readonly { readonly key: string; readonly use: FieldUse }[];
  /** Undefined where there is nothing to count: leaves. */
  readonly spot: Spot | undefined;
}

/** Computes the points that were really used from the counts of a tally. */
export type ActualPoints = (evaluation: Evaluation, counts: ReadonlyMap<string, number>) => number;

/**
 * Points by the rules of the estimate, with the objects that there were in place of those that there might have been.
 * The sums are clamped at each field for all objects together, and of two fields that share a response name the lower
 * weight counts: so it is never above the estimate, as long as no list is longer than its bound. Lists of leaves are
 * not counted: they have the estimated length.
 */
export function createActualPoints(model: CostModel, root: Place): ActualPoints {
  const spot = spotFrom(model, '', [{ place: root, ownPoints: undefined }]);
  return (evaluation, counts) => {
    let points = 0;
    for (const field of spot.fields) points += fieldPoints(evaluation, field, counts);
    return points;
  };
}

interface Variant {
  readonly place: Place;
  /** Of the field that leads there, whatever the type is. */
  readonly ownPoints: number | undefined;
}

function spotFrom(model: CostModel, path: string, variants: readonly Variant[]): Spot {
  const owns = new Map<string, number>();
  const fields = new Map<string, Map<string, FieldUse>>();
  for (const { place, ownPoints } of variants) {
    for (const { types, priced } of place.cases) {
      for (const type of types) {
        const key = `${path} ${type.name}`;
        const own = ownPoints ?? model.weightOfType(type);
        owns.set(key, Math.min(own, owns.get(key) ?? own));
        for (const use of priced) {
          const parents = fields.get(use.key) ?? new Map<string, FieldUse>();
          fields.set(use.key, parents.set(key, use));
        }
      }
    }
  }
  return {
    objects: [...owns].filter(([, own]) => own !== 0).map(([key, own]) => ({ key, own })),
    fields: [...fields].map(([name, parents]) => {
      const below = path === '' ? name : `${path}.${name}`;
      return fieldFrom(
        model,
        below,
        [...parents].map(([key, use]) => ({ key, use })),
      );
    }),
  };
}

function fieldFrom(model: CostModel, path: string, parents: SpotField['parents']): SpotField {
  const variants = new Map<Place, Variant>();
  for (const { use } of parents) {
    const known = use.place && variants.get(use.place);
    if (use.place && !known) variants.set(use.place, { place: use.place, ownPoints: use.ownPoints });
  }
  const spot = variants.size > 0 ? spotFrom(model, path, [...variants.values()]) : undefined;
  return { parents, spot };
}

function fieldPoints(
  evaluation: Evaluation,
  { parents, spot }: SpotField,
  counts: ReadonlyMap<string, number>,
): number {
  let points = 0;
  for (const { key, use } of parents) {
    // The root is there once, whether it was counted or not.
    const objects = key.startsWith(' ') ? 1 : (counts.get(key) ?? 0);
    const each = use.place ? inputsOf(evaluation, use) : fieldCosts(evaluation, use).points;
    points += times(objects, each);
  }
  if (spot) {
    for (const { key, own } of spot.objects) points += times(counts.get(key) ?? 0, own);
    for (const field of spot.fields) points += fieldPoints(evaluation, field, counts);
  }
  return clamp(points);
}
