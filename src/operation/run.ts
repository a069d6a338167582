import { inspect } from 'node:util';
import {
  type ExecutionResult,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  getArgumentValues,
  isObjectType,
  locatedError,
  OperationTypeNode,
  responsePathAsArray,
  type ValidatedExecutionArgs,
} from 'graphql';
import {
  type FieldPlan,
  type Plan,
  rootSelection,
  type Selection,
  type Shape,
  subselection,
} from './plan.ts';

type Path = GraphQLResolveInfo['path'];
type Arguments = Readonly<Record<string, unknown>>;

/** One execution of a plan. */
interface Run {
  readonly plan: Plan;
  readonly args: ValidatedExecutionArgs;
  /** The arguments of fields by their number: once for each run, however many objects have the field. */
  readonly argumentsOf: (Arguments | undefined)[];
  readonly errors: GraphQLError[];
  /** Where nulls stand for errors: what fails below one is not told. */
  readonly nulled: Set<Path | undefined>;
  /** Aborts when the answer is complete, whatever is still under way. */
  readonly ended: AbortController;
}

/** Executes a query or mutation by its plan; the answer is the one that graphql-js gives (GraphQL specification, section 6). */
export function runPlan(
  plan: Plan,
  args: ValidatedExecutionArgs,
): ExecutionResult | Promise<ExecutionResult> {
  const ended = new AbortController();
  const run: Run = { plan, args, argumentsOf: [], errors: [], nulled: new Set(), ended };
  const answer = (data: ExecutionResult['data']): ExecutionResult => {
    ended.abort();
    return run.errors.length > 0 ? { errors: run.errors, data: data ?? null } : { data: data ?? null };
  };
  const fail = (thrown: unknown): ExecutionResult => {
    addError(run, thrown instanceof GraphQLError ? thrown : locatedError(thrown, undefined), undefined);
    return answer(null);
  };
  try {
    const data = runRoot(run);
    return isPromiseLike(data) ? Promise.resolve(data).then(answer, fail) : answer(data);
  } catch (thrown) {
    return fail(thrown);
  }
}

type Fields = Record<string, unknown>;

function runRoot(run: Run): Fields | Promise<Fields> {
  const { schema, operation, rootValue } = run.args;
  const type = schema.getRootType(operation.operation);
  if (!type)
    throw new GraphQLError(`Schema is not configured to execute ${operation.operation} operation.`, {
      nodes: operation,
    });
  const selection = rootSelection(run.plan, run.args, type, operation.selectionSet);
  const isSerial = operation.operation === OperationTypeNode.MUTATION;
  return isSerial ? runSerially(run, selection, rootValue) : runFields(run, selection, rootValue, undefined);
}

async function runSerially(run: Run, { fields, create }: Selection, source: unknown): Promise<Fields> {
  const results = create();
  for (const field of fields) results[field.key] = await runField(run, field, source, undefined);
  return results;
}

function runFields(
  run: Run,
  { fields, create }: Selection,
  source: unknown,
  path: Path | undefined,
): Fields | Promise<Fields> {
  const results = create();
  const pending: Promise<unknown>[] = [];
  try {
    for (const field of fields) {
      const value = runField(run, field, source, path);
      results[field.key] = value;
      if (isPromiseLike(value)) pending.push(assignLater(results, field.key, value));
    }
  } catch (thrown) {
    // What is still under way may fail as well, and nobody waits for it any more.
    void Promise.allSettled(pending);
    throw thrown;
  }
  return pending.length === 0 ? results : Promise.all(pending).then(() => results);
}

async function assignLater(results: Fields, key: string, value: PromiseLike<unknown>): Promise<void> {
  results[key] = await value;
}

/** The value of a field, null for one that failed; throws or rejects when it failed and may not be null. */
function runField(run: Run, field: FieldPlan, source: unknown, parentPath: Path | undefined): unknown {
  if (field.isTypename) return field.parentType.name;
  const path: Path = { prev: parentPath, key: field.key, typename: field.parentType.name };
  try {
    const info = infoOf(run, field, path);
    const resolve = field.definition.resolve ?? run.args.fieldResolver;
    const value: unknown = resolve(source, argumentsOf(run, field), run.args.contextValue, info);
    return settle(run, field, field.shape, path, value, info);
  } catch (thrown) {
    return failed(run, field, field.shape, path, thrown);
  }
}

function argumentsOf(run: Run, { definition, nodes, index }: FieldPlan): Arguments {
  if (definition.args.length === 0) return {};
  const known = run.argumentsOf[index];
  // A resolver that changes its arguments changes no other's.
  if (known) return { ...known };
  const values = getArgumentValues(definition, nodes[0], run.args.variableValues);
  run.argumentsOf[index] = values;
  return { ...values };
}

function infoOf(run: Run, { definition, nodes, parentType }: FieldPlan, path: Path): GraphQLResolveInfo {
  const { schema, fragmentDefinitions, rootValue, operation, variableValues } = run.args;
  return {
    fieldName: definition.name,
    fieldNodes: nodes,
    returnType: definition.type,
    parentType,
    path,
    schema,
    fragments: fragmentDefinitions,
    rootValue,
    operation,
    variableValues,
    getAbortSignal: () => run.ended.signal,
    getAsyncHelpers,
  };
}

const getAsyncHelpers: GraphQLResolveInfo['getAsyncHelpers'] = () => ({
  promiseAll: (values) => Promise.all(values),
  track: () => {},
});

/** Waits for a value where that is needed and completes it; what goes wrong then is this field's, or this item's. */
function settle(
  run: Run,
  field: FieldPlan,
  shape: Shape,
  path: Path,
  value: unknown,
  info: GraphQLResolveInfo,
): unknown {
  if (isPromiseLike(value)) return settleLater(run, field, shape, path, value, info);
  const completed = complete(run, field, shape, path, value, info);
  if (!isPromiseLike(completed)) return completed;
  return completed.then(undefined, (thrown) => failed(run, field, shape, path, thrown));
}

async function settleLater(
  run: Run,
  field: FieldPlan,
  shape: Shape,
  path: Path,
  value: PromiseLike<unknown>,
  info: GraphQLResolveInfo,
): Promise<unknown> {
  try {
    const settled = await value;
    // An error has gone up to the root meanwhile: nobody waits for this.
    run.ended.signal.throwIfAborted();
    return await complete(run, field, shape, path, settled, info);
  } catch (thrown) {
    return failed(run, field, shape, path, thrown);
  }
}

/** GraphQL specification, section 6.4.4: an error where null may stand stays there, any other goes up. */
function failed(run: Run, { nodes }: FieldPlan, { isNonNull }: Shape, path: Path, thrown: unknown): null {
  const error = locatedError(thrown, nodes, responsePathAsArray(path));
  if (isNonNull) throw error;
  addError(run, error, path);
  return null;
}

function addError({ errors, nulled }: Run, error: GraphQLError, path: Path | undefined): void {
  for (let at = path; at; at = at.prev) if (nulled.has(at)) return;
  if (nulled.has(undefined)) return;
  nulled.add(path);
  errors.push(error);
}

/** GraphQL specification, section 6.4.3, CompleteValue. */
function complete(
  run: Run,
  field: FieldPlan,
  shape: Shape,
  path: Path,
  value: unknown,
  info: GraphQLResolveInfo,
): unknown {
  if (value instanceof Error) throw value;
  if (value === null || value === undefined) {
    if (!shape.isNonNull) return null;
    throw new Error(`Cannot return null for non-nullable field ${fieldName(field)}.`);
  }
  switch (shape.kind) {
    case 'leaf': {
      const sent = shape.type.coerceOutputValue(value);
      if (sent !== null && sent !== undefined) return sent;
      throw new Error(`Expected ${shape.type} to write ${inspect(value)} as a value, got ${inspect(sent)}.`);
    }
    case 'list':
      return completeList(run, field, shape.item, path, value, info);
    case 'object':
      return completeObject(run, field, shape.type, path, value, info);
    case 'abstract': {
      const resolveType = shape.type.resolveType ?? run.args.typeResolver;
      const name: unknown = resolveType(value, run.args.contextValue, info, shape.type);
      const withType = (found: unknown) =>
        completeObject(run, field, concreteType(run, field, shape.type, found), path, value, info);
      return isPromiseLike(name) ? Promise.resolve(name).then(withType) : withType(name);
    }
  }
}

function completeList(
  run: Run,
  field: FieldPlan,
  shape: Shape,
  path: Path,
  list: unknown,
  info: GraphQLResolveInfo,
): unknown {
  if (isAsyncIterable(list)) return completeStream(run, field, shape, path, list, info);
  if (!isIterable(list))
    throw new Error(`Expected Iterable, but did not find one for field "${fieldName(field)}".`);
  const items = Array.isArray(list) ? list : [...list];
  const results: unknown[] = [];
  let hasPending = false;
  try {
    for (const item of items) {
      const itemPath: Path = { prev: path, key: results.length, typename: undefined };
      const result = runItem(run, field, shape, itemPath, item, info);
      hasPending ||= isPromiseLike(result);
      results.push(result);
    }
  } catch (thrown) {
    // As in runFields; and what was not looked at yet may fail, too.
    void Promise.allSettled([...results, ...items]);
    throw thrown;
  }
  return hasPending ? Promise.all(results) : results;
}

async function completeStream(
  run: Run,
  field: FieldPlan,
  shape: Shape,
  path: Path,
  items: AsyncIterable<unknown>,
  info: GraphQLResolveInfo,
): Promise<unknown> {
  const list = await Array.fromAsync(items);
  return completeList(run, field, shape, path, list, info);
}

function runItem(
  run: Run,
  field: FieldPlan,
  shape: Shape,
  path: Path,
  item: unknown,
  info: GraphQLResolveInfo,
): unknown {
  try {
    return settle(run, field, shape, path, item, info);
  } catch (thrown) {
    return failed(run, field, shape, path, thrown);
  }
}

function completeObject(
  run: Run,
  field: FieldPlan,
  type: GraphQLObjectType,
  path: Path,
  value: unknown,
  info: GraphQLResolveInfo,
): unknown {
  const below = (isOfType: unknown) => {
    if (!isOfType) throw new Error(`Expected value of type "${type}" but got: ${inspect(value)}.`);
    return runFields(run, subselection(run.plan, run.args, field, type), value, path);
  };
  const isOfType = type.isTypeOf?.(value, run.args.contextValue, info) ?? !type.isTypeOf;
  return isPromiseLike(isOfType) ? Promise.resolve(isOfType).then(below) : below(isOfType);
}

function concreteType(
  run: Run,
  field: FieldPlan,
  type: GraphQLAbstractType,
  name: unknown,
): GraphQLObjectType {
  const found = typeof name === 'string' ? run.args.schema.getType(name) : undefined;
  if (isObjectType(found) && run.args.schema.isSubType(type, found)) return found;
  throw new Error(
    `Abstract type "${type}" must resolve to one of its Object types for field "${fieldName(field)}", got ${inspect(name)}.`,
  );
}

function fieldName({ parentType, definition }: FieldPlan): string {
  return `${parentType.name}.${definition.name}`;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
