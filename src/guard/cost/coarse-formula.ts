import {
  type FieldNode,
  type GraphQLNamedType,
  getNamedType,
  isCompositeType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { isIncluded, type Outcome } from './conditions.ts';
import type { FieldFacts } from './cost-model.ts';
import { isDeferred, isStreamed } from './deferred-parts.ts';
import { rulesFrom } from './exact-formula.ts';
import type { FieldUse, Place } from './formula.ts';
import { createCase, createFieldUse, createPlace } from './formula-parts.ts';
import { type DeclaredLength, declaredLengthFrom } from './list-length.ts';
import { factsOf, fragmentOf, type OperationParts } from './operation-parts.ts';

/** Lengths that a field hands down, by the name of the list. */
type HandedDown = ReadonlyMap<string, readonly DeclaredLength[]>;

interface Compilation {
  readonly parts: OperationParts;
  readonly outcome: Outcome;
  /** What is selected below a field node; undefined while it is compiled. */
  readonly places: Map<FieldNode, Place | undefined>;
  /** Fields to which nothing is handed down. */
  readonly fields: Map<FieldNode, FieldUse>;
}

/**
 * A formula that is never below the exact one, for documents whose cases are too many: nothing is merged, every
 * fragment applies, each field has the largest weights of all object types, and none of these is below 0. What
 * fragments repeat is compiled once and shared. Throws RangeError for fragments that contain themselves.
 */
export function compileCoarse(parts: OperationParts, outcome: Outcome): Place {
  const compilation: Compilation = { parts, outcome, places: new Map(), fields: new Map() };
  return placeFrom(compilation, parts.rootType, parts.operation.selectionSet, new Map());
}

function placeFrom(
  compilation: Compilation,
  type: GraphQLNamedType,
  set: SelectionSetNode,
  handedDown: HandedDown,
): Place {
  const { parts, outcome } = compilation;
  const { model } = parts;
  const fields: FieldUse[] = [];
  const visited = new Set<SelectionSetNode>();
  let deferred = 0;
  const visit = (selectedOn: GraphQLNamedType, { selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (!isIncluded(selection, outcome)) continue;
      if (selection.kind === Kind.FIELD) {
        const field = fieldFor(compilation, selectedOn, selection, handedDown);
        if (field) fields.push(field);
        continue;
      }
      const { selectionSet, condition } = fragmentOf(parts, selection);
      // What a fragment repeats below several is not known here.
      if (isDeferred(selection)) deferred = Number.POSITIVE_INFINITY;
      if (visited.has(selectionSet)) continue;
      visited.add(selectionSet);
      visit((condition !== undefined && model.schema.getType(condition)) || selectedOn, selectionSet);
    }
  };
  visit(type, set);
  return createPlace(model, [createCase(model.possibleTypes(type), fields)], deferred);
}

/** The use of a field node; undefined for `__typename`, which is free. */
function fieldFor(
  compilation: Compilation,
  type: GraphQLNamedType,
  node: FieldNode,
  handedDown: HandedDown,
): FieldUse | undefined {
  const inherited = handedDown.get(node.name.value);
  const known = inherited ? undefined : compilation.fields.get(node);
  if (known) return known;
  const { model } = compilation.parts;
  const facts = model.possibleTypes(type).flatMap((one) => factsOf(model, one, node.name.value) ?? []);
  const distinct = [...new Map(facts.map((one) => [one.profile, one])).values()];
  if (distinct.length === 0) return undefined;
  const field = fieldFrom(compilation, type, node, distinct, inherited);
  if (!inherited) compilation.fields.set(node, field);
  return field;
}

function fieldFrom(
  compilation: Compilation,
  selectedOn: GraphQLNamedType,
  node: FieldNode,
  facts: readonly FieldFacts[],
  inherited: readonly DeclaredLength[] = [],
): FieldUse {
  const { model } = compilation.parts;
  const handedDown = handedDownBy(compilation, node, facts);
  const own = facts.map((one) => {
    const declared = declaredLengthFrom(model, one, node);
    return declared && !one.listSize?.sizedFields?.length ? [declared] : [];
  });
  const type = typeOf(compilation, selectedOn, node);
  return createFieldUse(model, {
    key: node.alias?.value ?? node.name.value,
    typename: type?.name ?? '',
    callWeight: Math.max(...facts.map(({ callWeight }) => callWeight)),
    itemWeight: Math.max(0, ...facts.map(({ itemWeight }) => itemWeight)),
    ownPoints: Math.max(0, ...facts.map(({ ownPoints, itemWeight }) => ownPoints ?? itemWeight)),
    isList: facts.some(({ isList }) => isList),
    isStreamed: isStreamed([node]),
    lengths: inherited.length > 0 ? own.flatMap((chain) => inherited.map((one) => [one, ...chain])) : own,
    handedDown: [...handedDown.values()].flat(),
    // Of each node that others would be merged with: what lowers the price of all must not lower that of each.
    inputs: [{ known: 0, varying: [] }, ...facts.flatMap((one) => rulesFrom(model, one, [node]))],
    calls: facts.flatMap(({ calls }) => calls),
    place: type && isCompositeType(type) ? placeBelow(compilation, node, type, handedDown) : undefined,
  });
}

function typeOf(
  { parts }: Compilation,
  selectedOn: GraphQLNamedType,
  node: FieldNode,
): GraphQLNamedType | undefined {
  if (!isCompositeType(selectedOn)) return undefined;
  const field = parts.model.schema.getField(selectedOn, node.name.value);
  return field && getNamedType(field.type);
}

function placeBelow(
  compilation: Compilation,
  node: FieldNode,
  type: GraphQLNamedType,
  handedDown: HandedDown,
): Place | undefined {
  const { places } = compilation;
  if (!node.selectionSet) return undefined;
  if (places.has(node)) {
    const known = places.get(node);
    if (known) return known;
    throw new RangeError('Expected fragments that do not contain themselves.');
  }
  places.set(node, undefined);
  const place = placeFrom(compilation, type, node.selectionSet, handedDown);
  places.set(node, place);
  return place;
}

/** Of an object type that says nothing of a list's length, the list itself may. */
const unsaid: DeclaredLength = {
  literal: undefined,
  variables: [],
  unsliced: undefined,
  unknown: 0,
  maximum: Number.POSITIVE_INFINITY,
};

function handedDownBy({ parts }: Compilation, node: FieldNode, facts: readonly FieldFacts[]): HandedDown {
  const names = new Set(facts.flatMap(({ listSize }) => listSize?.sizedFields ?? []));
  const lengthsOf = (name: string) =>
    facts.map((one) => {
      const isHandedDown = one.listSize?.sizedFields?.includes(name);
      return (isHandedDown && declaredLengthFrom(parts.model, one, node)) || unsaid;
    });
  return new Map([...names].map((name) => [name, lengthsOf(name)]));
}
