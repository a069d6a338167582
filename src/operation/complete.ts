import { inspect } from 'node:util';
import {
  type GraphQLAbstractType,
  type GraphQLError,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  isObjectType,
  locatedError,
  responsePathAsArray,
  type ValidatedExecutionArgs,
} from 'graphql';
import { type FieldPlan, type Plan, type Selection, type Shape, subselection } from './plan.ts';
import { isPromiseLike } from './promise-like.ts';

/** Where in the answer a value stands. */
export type Path = GraphQLResolveInfo['path'];

/** One execution of a plan. */
export interface Run {
  readonly plan: Plan;
  readonly args: ValidatedExecutionArgs;
  /** The arguments of fields by their number: once for each run, however many objects have the field. */
  readonly argumentsOf: (Readonly<Record<string, unknown>> | undefined)[];
  readonly errors: GraphQLError[];
  /** Where nulls stand for errors: what fails below one is not told. */
  readonly nulled: Set<Path | undefined>;
  /** Whether the answer is complete, whatever is still under way. */
  isEnded: boolean;
  /** Aborts with the end; made for the first resolver that asks for it. */
  ended: AbortController | undefined;
  /** `info.getAbortSignal` of every field. */
  readonly getAbortSignal: () => AbortSignal;
  /** The fields of one object. */
  readonly runFields: (run: Run, selection: Selection, source: unknown, path: Path) => unknown;
}

/** One field of one object while it is completed. */
export interface Place {
  readonly run: Run;
  readonly field: FieldPlan;
  readonly info: GraphQLResolveInfo;
}

/**
 * The value of a field, or of an item of its list, as it is sent: at once or later. Null where it failed and may be null;
 * throws or rejects where it may not.
 */
export function settle(place: Place, shape: Shape, path: Path, value: unknown): unknown {
  if (isPromiseLike(value)) return settleLater(place, shape, path, value);
  const completed = complete(place, shape, path, value);
  if (!isPromiseLike(completed)) return completed;
  return completed.then(undefined, (thrown) => failed(place.run, place.field, shape, path, thrown));
}

async function settleLater(
  place: Place,
  shape: Shape,
  path: Path,
  value: PromiseLike<unknown>,
): Promise<unknown> {
  try {
    const settled = await value;
    // An error has gone up to the root meanwhile: nobody waits for this.
    if (place.run.isEnded) return null;
    return await complete(place, shape, path, settled);
  } catch (thrown) {
    return failed(place.run, place.field, shape, path, thrown);
  }
}

/** GraphQL specification, section 6.4.4: an error where null may stand stays there, any other goes up. */
export function failed(
  run: Run,
  { nodes }: FieldPlan,
  { isNonNull }: Shape,
  path: Path,
  thrown: unknown,
): null {
  const error = locatedError(thrown, nodes, responsePathAsArray(path));
  if (isNonNull) throw error;
  addError(run, error, path);
  return null;
}

/** Adds an error unless a null above it tells of another already. */
export function addError({ errors, nulled }: Run, error: GraphQLError, path: Path | undefined): void {
  for (let at = path; at; at = at.prev) if (nulled.has(at)) return;
  if (nulled.has(undefined)) return;
  nulled.add(path);
  errors.push(error);
}

/** GraphQL specification, section 6.4.3, CompleteValue. */
function complete(place: Place, shape: Shape, path: Path, value: unknown): unknown {
  if (value instanceof Error) throw value;
  if (value === null || value === undefined) {
    if (!shape.isNonNull) return null;
    throw new Error(`Cannot return null for non-nullable field ${fieldName(place)}.`);
  }
  switch (shape.kind) {
    case 'leaf': {
      const sent = shape.type.coerceOutputValue(value);
      if (sent !== null && sent !== undefined) return sent;
      throw new Error(`Expected ${shape.type} to write ${inspect(value)} as a value, got ${inspect(sent)}.`);
    }
    case 'list':
      return isAsyncIterable(value)
        ? completeStream(place, shape.item, path, value)
        : completeList(place, shape.item, path, value);
    case 'object':
      return completeObject(place, shape.type, path, value);
    case 'abstract':
      return completeAbstract(place, shape.type, path, value);
  }
}

function completeList(place: Place, shape: Shape, path: Path, list: unknown): unknown {
  if (!isIterable(list))
    throw new Error(`Expected Iterable, but did not find one for field "${fieldName(place)}".`);
  const items = Array.isArray(list) ? list : [...list];
  const results: unknown[] = [];
  let hasPending = false;
  try {
    for (const item of items) {
      const result = settleItem(place, shape, { prev: path, key: results.length, typename: undefined }, item);
      hasPending ||= isPromiseLike(result);
      results.push(result);
    }
  } catch (thrown) {
    // What is under way, and what was not looked at yet, may fail as well, and nobody waits for it any more.
    void Promise.allSettled([...results, ...items]);
    throw thrown;
  }
  return hasPending ? Promise.all(results) : results;
}

async function completeStream(
  place: Place,
  shape: Shape,
  path: Path,
  items: AsyncIterable<unknown>,
): Promise<unknown> {
  return completeList(place, shape, path, await Array.fromAsync(items));
}

function settleItem(place: Place, shape: Shape, path: Path, item: unknown): unknown {
  try {
    return settle(place, shape, path, item);
  } catch (thrown) {
    return failed(place.run, place.field, shape, path, thrown);
  }
}

function completeAbstract(place: Place, type: GraphQLAbstractType, path: Path, value: unknown): unknown {
  const { args } = place.run;
  const resolveType = type.resolveType ?? args.typeResolver;
  const name: unknown = resolveType(value, args.contextValue, place.info, type);
  const withName = (found: unknown) => completeObject(place, concreteType(place, type, found), path, value);
  return isPromiseLike(name) ? Promise.resolve(name).then(withName) : withName(name);
}

function completeObject(place: Place, type: GraphQLObjectType, path: Path, value: unknown): unknown {
  const { run, field, info } = place;
  const below = (isOfType: unknown) => {
    if (!isOfType) throw new Error(`Expected value of type "${type}" but got: ${inspect(value)}.`);
    return run.runFields(run, subselection(run.plan, run.args, field, type), value, path);
  };
  if (!type.isTypeOf) return below(true);
  const isOfType = type.isTypeOf(value, run.args.contextValue, info);
  return isPromiseLike(isOfType) ? Promise.resolve(isOfType).then(below) : below(isOfType);
}

function concreteType(place: Place, type: GraphQLAbstractType, name: unknown): GraphQLObjectType {
  const { schema } = place.run.args;
  const found = typeof name === 'string' ? schema.getType(name) : undefined;
  if (isObjectType(found) && schema.isSubType(type, found)) return found;
  throw new Error(
    `Abstract type "${type}" must resolve to one of its Object types for field "${fieldName(place)}", got ${inspect(name)}.`,
  );
}

function fieldName({ field: { parentType, definition } }: Place): string {
  return `${parentType.name}.${definition.name}`;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
