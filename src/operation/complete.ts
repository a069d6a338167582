import { inspect } from 'node:util';
import { type GraphQLAbstractType, type GraphQLObjectType, isObjectType, locatedError } from 'graphql';
import type { FieldInfo, Run } from './field-info.ts';
import { completeLater } from './later.ts';
import { type FieldPlan, type Selection, type Shape, subselection } from './plan.ts';
import { isPromiseLike } from './promise-like.ts';
import { type Members, nullify, pathKeys, Slot } from './slot.ts';

type Of<Kind extends Shape['kind']> = Extract<Shape, { readonly kind: Kind }>;

/**
 * Puts the value of a field, or of an item of its list, in its place: at once, or when it comes. Throws when it failed at
 * once; see {@link failHere}. GraphQL specification, section 6.4.3, CompleteValue.
 */
export function complete(
  info: FieldInfo,
  shape: Shape,
  parent: Slot,
  key: string | number,
  value: unknown,
): void {
  if (value === null || value === undefined) {
    if (shape.isNonNull) throw new Error(`Cannot return null for non-nullable field ${nameOf(info.field)}.`);
    parent.members[key] = null;
    return;
  }
  if (typeof value === 'object') {
    if (isPromiseLike(value)) {
      completeLater(info, shape, parent, key, value, complete);
      return;
    }
    if (value instanceof Error) throw value;
  }
  switch (shape.kind) {
    case 'leaf':
      parent.members[key] = leafOf(shape, value);
      break;
    case 'list':
      completeList(info, shape, parent, key, value);
      break;
    case 'object':
      completeObject(info, shape, shape.type, parent, key, value);
      break;
    case 'abstract':
      completeAbstract(info, shape, parent, key, value);
      break;
  }
}

/** A leaf as it is sent; throws what its type throws of a value that it cannot send. */
export function leafOf({ type, sentAsIs }: Of<'leaf'>, value: unknown): unknown {
  if (typeof value === sentAsIs) return value;
  const sent = type.coerceOutputValue(value);
  if (sent !== null && sent !== undefined) return sent;
  throw new Error(`Expected ${type} to write ${inspect(value)} as a value, got ${inspect(sent)}.`);
}

/** GraphQL specification, section 6.4.4: an error where null may stand stays there, any other goes up. */
export function failHere(
  run: Run,
  field: FieldPlan,
  shape: Shape,
  parent: Slot,
  key: string | number,
  thrown: unknown,
): void {
  const error = locatedError(thrown, field.nodes, pathKeys(parent, key));
  if (shape.isNonNull) throw error;
  parent.members[key] = null;
  run.errors.push(error);
}

function completeList(
  info: FieldInfo,
  shape: Of<'list'>,
  parent: Slot,
  key: string | number,
  list: unknown,
): void {
  if (Array.isArray(list)) completeItems(info, shape, parent, key, list);
  else if (isAsyncIterable(list))
    completeLater(info, shape, parent, key, Array.fromAsync(list), completeItems);
  else if (isIterable(list)) completeItems(info, shape, parent, key, [...list]);
  else throw new Error(`Expected Iterable, but did not find one for field "${nameOf(info.field)}".`);
}

function completeItems(
  info: FieldInfo,
  { isNonNull, item }: Of<'list'>,
  parent: Slot,
  key: string | number,
  items: readonly unknown[],
): void {
  const { run, field } = info;
  const results: unknown[] = new Array(items.length);
  const members = results as unknown as Members; // as: by index, an array is one
  parent.members[key] = results;
  const slot = new Slot(parent, key, field, isNonNull, members);
  let index = 0;
  try {
    for (; index < items.length; index += 1) {
      try {
        complete(info, item, slot, index, items[index]);
      } catch (thrown) {
        failHere(run, field, item, slot, index, thrown);
      }
    }
  } catch (thrown) {
    // What was not looked at may fail as well, and nobody waits for it any more.
    void Promise.allSettled(items.slice(index));
    nullify(slot);
    throw thrown;
  }
}

function completeAbstract(
  info: FieldInfo,
  shape: Of<'abstract'>,
  parent: Slot,
  key: string | number,
  value: unknown,
): void {
  const { typeResolver, contextValue } = info.run.args;
  const resolveType = shape.type.resolveType ?? typeResolver;
  const name: unknown = resolveType(value, contextValue, info, shape.type);
  const withName = (found: unknown) =>
    completeObject(info, shape, concreteType(info, shape.type, found), parent, key, value);
  if (isPromiseLike(name))
    completeLater(info, shape, parent, key, name, (...[, , , , found]) => withName(found));
  else withName(name);
}

function completeObject(
  info: FieldInfo,
  shape: Shape,
  type: GraphQLObjectType,
  parent: Slot,
  key: string | number,
  value: unknown,
): void {
  if (type.isTypeOf) completeChecked(info, shape, type, parent, key, value);
  else completeFields(info, shape, type, parent, key, value);
}

function completeChecked(
  info: FieldInfo,
  shape: Shape,
  type: GraphQLObjectType,
  parent: Slot,
  key: string | number,
  value: unknown,
): void {
  const isOfType = type.isTypeOf?.(value, info.run.args.contextValue, info);
  const below = (isRight: unknown) => {
    if (!isRight) throw new Error(`Expected value of type "${type}" but got: ${inspect(value)}.`);
    completeFields(info, shape, type, parent, key, value);
  };
  if (isPromiseLike(isOfType))
    completeLater(info, shape, parent, key, isOfType, (...[, , , , isRight]) => below(isRight));
  else below(isOfType);
}

function completeFields(
  { run, field }: FieldInfo,
  { isNonNull }: Shape,
  type: GraphQLObjectType,
  parent: Slot,
  key: string | number,
  value: unknown,
): void {
  const selection = subselection(run.plan, run.args, field, type);
  countObject(run, selection);
  const members = selection.create();
  parent.members[key] = members;
  const slot = new Slot(parent, key, field, isNonNull, members);
  try {
    run.runFields(run, selection, value, slot);
  } catch (thrown) {
    nullify(slot);
    throw thrown;
  }
}

/** Counts an object that is completed by a selection: see Tally. */
export function countObject({ counts, unplanned }: Run, { index, place }: Selection): void {
  if (index !== undefined) counts[index] = (counts[index] ?? 0) + 1;
  else unplanned.counts.push(unplanned.places.push(place) && 1);
}

function concreteType(info: FieldInfo, type: GraphQLAbstractType, name: unknown): GraphQLObjectType {
  const found = typeof name === 'string' ? info.schema.getType(name) : undefined;
  if (isObjectType(found) && info.schema.isSubType(type, found)) return found;
  throw new Error(
    `Abstract type "${type}" must resolve to one of its Object types for field "${nameOf(info.field)}", got ${inspect(name)}.`,
  );
}

function nameOf({ parentType, definition }: FieldPlan): string {
  return `${parentType.name}.${definition.name}`;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
