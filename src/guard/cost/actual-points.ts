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
  readonly parents: readonly SpotParent[];
  /** Undefined where there is nothing to count: leaves. */
  readonly spot: Spot | undefined;
}

/** A field on one of the object types that have it. */
interface SpotParent {
  readonly key: string;
  /** Objects of one type may be asked for it in several ways. */
  readonly uses: readonly FieldUse[];
  /** Whether some of them are not asked for it. */
  readonly isOptional: boolean;
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
  const ways = new Map<string, number>();
  const fields = new Map<string, Map<string, FieldUse[]>>();
  const paying = new Set<string>();
  for (const { place, ownPoints } of variants) {
    for (const { types, fields: asked, priced } of place.cases) {
      for (const { key } of priced) paying.add(key);
      for (const type of types) {
        const key = `${path} ${type.name}`;
        const own = ownPoints ?? model.weightOfType(type);
        owns.set(key, Math.min(own, owns.get(key) ?? own));
        ways.set(key, (ways.get(key) ?? 0) + 1);
        for (const use of asked) {
          const parents = fields.get(use.key) ?? new Map<string, FieldUse[]>();
          fields.set(use.key, parents.set(key, [...(parents.get(key) ?? []), use]));
        }
      }
    }
  }
  const spots: SpotField[] = [];
  for (const [name, parents] of fields) {
    const field = fieldFrom(
      model,
      path === '' ? name : `${path}.${name}`,
      [...parents].map(([key, uses]) => ({ key, uses, isOptional: uses.length < (ways.get(key) ?? 0) })),
    );
    if (paying.has(name) || isCounted(field.spot)) spots.push(field);
  }
  return {
    objects: [...owns].filter(([, own]) => own !== 0).map(([key, own]) => ({ key, own })),
    fields: spots,
  };
}

/** Whether something can be used there: below a field that is free because its arguments lower it, too. */
function isCounted(spot: Spot | undefined): boolean {
  return spot !== undefined && (spot.objects.length > 0 || spot.fields.length > 0);
}

function fieldFrom(model: CostModel, path: string, parents: SpotField['parents']): SpotField {
  const variants: Variant[] = [];
  for (const { place, ownPoints } of new Set(parents.flatMap(({ uses }) => uses))) {
    if (place) variants.push({ place, ownPoints });
  }
  return { parents, spot: variants.length > 0 ? spotFrom(model, path, variants) : undefined };
}

function fieldPoints(
  evaluation: Evaluation,
  { parents, spot }: SpotField,
  counts: ReadonlyMap<string, number>,
): number {
  let points = 0;
  for (const { key, uses, isOptional } of parents) {
    // The root is there once, whether it was counted or not.
    const objects = key.startsWith(' ') ? 1 : (counts.get(key) ?? 0);
    const each = uses.map((use) =>
      use.place ? inputsOf(evaluation, use) : fieldCosts(evaluation, use).points,
    );
    points += times(objects, Math.min(...each, isOptional ? 0 : Number.POSITIVE_INFINITY));
  }
  if (spot) {
    for (const { key, own } of spot.objects) points += times(counts.get(key) ?? 0, own);
    for (const field of spot.fields) points += fieldPoints(evaluation, field, counts);
  }
  return clamp(points);
}
