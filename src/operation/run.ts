import {
  type ExecutionResult,
  GraphQLError,
  type GraphQLResolveInfo,
  getArgumentValues,
  locatedError,
  OperationTypeNode,
  type ValidatedExecutionArgs,
} from 'graphql';
import { addError, failed, type Path, type Run, settle } from './complete.ts';
import { type FieldPlan, type Plan, rootSelection, type Selection, type Shape } from './plan.ts';
import { isPromiseLike } from './promise-like.ts';

type Fields = Record<string, unknown>;

/** Executes a query or mutation by its plan; the answer is the one that graphql-js gives (GraphQL specification, section 6). */
export function runPlan(
  plan: Plan,
  args: ValidatedExecutionArgs,
): ExecutionResult | Promise<ExecutionResult> {
  const run: Run = {
    plan,
    args,
    argumentsOf: [],
    errors: [],
    nulled: new Set(),
    isEnded: false,
    ended: undefined,
    getAbortSignal: () => signalOf(run),
    runFields,
  };
  const answer = (data: Fields | null): ExecutionResult => {
    run.isEnded = true;
    run.ended?.abort();
    return run.errors.length > 0 ? { errors: run.errors, data } : { data };
  };
  const fail = (thrown: unknown): ExecutionResult => {
    addError(run, thrown instanceof GraphQLError ? thrown : locatedError(thrown, undefined), undefined);
    return answer(null);
  };
  try {
    const data = runRoot(run);
    return isPromiseLike(data) ? data.then(answer, fail) : answer(data);
  } catch (thrown) {
    return fail(thrown);
  }
}

function signalOf(run: Run): AbortSignal {
  run.ended ??= new AbortController();
  if (run.isEnded) run.ended.abort();
  return run.ended.signal;
}

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
  const pending: Promise<void>[] = [];
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
    return sentLeaf(field.shape, value) ?? settle({ run, field, info }, field.shape, path, value);
  } catch (thrown) {
    return failed(run, field, field.shape, path, thrown);
  }
}

/** What most fields are, without what the others need: a leaf that is there. Undefined for anything else. */
function sentLeaf(shape: Shape, value: unknown): unknown {
  if (shape.kind !== 'leaf' || value === null || value === undefined) return undefined;
  if (typeof value === 'object' && (isPromiseLike(value) || value instanceof Error)) return undefined;
  return shape.type.coerceOutputValue(value) ?? undefined;
}

function argumentsOf(run: Run, { definition, nodes, index }: FieldPlan): Fields {
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
    getAbortSignal: run.getAbortSignal,
    getAsyncHelpers,
  };
}

const getAsyncHelpers: GraphQLResolveInfo['getAsyncHelpers'] = () => ({
  promiseAll: (values) => Promise.all(values),
  track: () => {},
});
