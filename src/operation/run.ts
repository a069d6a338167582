import {
  defaultFieldResolver,
  type ExecutionResult,
  GraphQLError,
  getArgumentValues,
  locatedError,
  OperationTypeNode,
  type ValidatedExecutionArgs,
} from 'graphql';
import type { OpenTally } from '../guard/cost/tally.ts';
import { complete, countObject, failHere, leafOf } from './complete.ts';
import { FieldInfo, type Run } from './field-info.ts';
import { type FieldPlan, type Plan, rootSelection, type Selection } from './plan.ts';
import { nullify, Slot } from './slot.ts';

type Fields = Record<string, unknown>;

/**
 * Executes a query or mutation by its plan; the answer is the one that graphql-js gives (GraphQL specification, section
 * 6). Values are put where they belong as they come, and the answer is there when no value is to come any more: there
 * are no promises but those of resolvers.
 */
export function runPlan(
  plan: Plan,
  args: ValidatedExecutionArgs,
  tally?: OpenTally,
): ExecutionResult | Promise<ExecutionResult> {
  let selection: Selection;
  try {
    selection = rootOf(plan, args);
  } catch (thrown) {
    const error = thrown instanceof GraphQLError ? thrown : locatedError(thrown, undefined);
    return { errors: [error], data: null };
  }
  const { run, end } = createRun(plan, args, new Slot(undefined, '', undefined, false, selection.create()));
  tally?.begin(plan.places, run.counts);
  tally?.begin(run.unplanned.places, run.unplanned.counts);
  countObject(run, selection);
  if (args.operation.operation === OperationTypeNode.MUTATION) return runSerially(run, selection).then(end);
  try {
    runFields(run, selection, args.rootValue, run.root);
  } catch (thrown) {
    failRoot(run, thrown);
  }
  return run.root.pending === 0 ? end() : idle(run).then(end);
}

function rootOf(plan: Plan, args: ValidatedExecutionArgs): Selection {
  const { schema, operation } = args;
  const type = schema.getRootType(operation.operation);
  if (type) return rootSelection(plan, args, type, operation.selectionSet);
  throw new GraphQLError(`Schema is not configured to execute ${operation.operation} operation.`, {
    nodes: operation,
  });
}

function createRun(plan: Plan, args: ValidatedExecutionArgs, root: Slot) {
  let isEnded = false;
  // Made for the first resolver that asks for its signal.
  let ended: AbortController | undefined;
  const run: Run = {
    plan,
    args,
    readsProperties: args.fieldResolver === defaultFieldResolver,
    argumentsOf: [],
    counts: [],
    unplanned: { places: [], counts: [] },
    errors: [],
    root,
    onIdle: () => {},
    getAbortSignal: () => {
      ended ??= new AbortController();
      if (isEnded) ended.abort();
      return ended.signal;
    },
    runFields,
  };
  const end = (): ExecutionResult => {
    isEnded = true;
    ended?.abort();
    const data = root.isNulled ? null : (root.members as Fields); // as: the root is an object, no list
    return run.errors.length > 0 ? { errors: run.errors, data } : { data };
  };
  return { run, end };
}

/** Resolves when no value is to come any more. */
function idle(run: Run): Promise<void> {
  return new Promise((resolve) => {
    run.onIdle = resolve;
  });
}

/** GraphQL specification, section 6.2.2: the fields of a mutation, each when the one before has been completed. */
async function runSerially(run: Run, { fields }: Selection): Promise<void> {
  for (const field of fields) {
    try {
      runField(run, field, run.args.rootValue, run.root);
    } catch (thrown) {
      failRoot(run, thrown);
    }
    if (run.root.pending > 0) await idle(run);
    if (run.root.isNulled) return;
  }
}

/** An error that no place of the answer could keep. */
function failRoot(run: Run, thrown: unknown): void {
  run.errors.push(thrown instanceof GraphQLError ? thrown : locatedError(thrown, undefined));
  nullify(run.root);
}

function runFields(run: Run, { fields }: Selection, source: unknown, slot: Slot): void {
  for (const field of fields) runField(run, field, source, slot);
}

/** Completes a field into the slot of its object; throws when it failed and may not be null. */
function runField(run: Run, field: FieldPlan, source: unknown, slot: Slot): void {
  const { key, shape, definition } = field;
  if (field.isTypename) {
    slot.members[key] = field.parentType.name;
    return;
  }
  try {
    if (definition.resolve === undefined && run.readsProperties) {
      const property = propertyOf(source, definition.name);
      if (typeof property !== 'function') {
        completeProperty(run, field, slot, property);
        return;
      }
    }
    const info = new FieldInfo(run, field, slot);
    const resolve = definition.resolve ?? run.args.fieldResolver;
    const value: unknown = resolve(source, argumentsOf(run, field), run.args.contextValue, info);
    complete(info, shape, slot, key, value);
  } catch (thrown) {
    failHere(run, field, shape, slot, key, thrown);
  }
}

/** As the default resolver of graphql-js reads it. */
function propertyOf(source: unknown, name: string): unknown {
  const hasProperties = (typeof source === 'object' && source !== null) || typeof source === 'function';
  return hasProperties ? (source as Fields)[name] : undefined; // as: whatever it is, it has properties
}

/** What most fields are, without what the others need: a leaf that is there. */
function completeProperty(run: Run, field: FieldPlan, slot: Slot, property: unknown): void {
  const { key, shape } = field;
  if (shape.kind === 'leaf' && typeof property !== 'object' && property !== undefined)
    slot.members[key] = leafOf(shape, property);
  else complete(new FieldInfo(run, field, slot), shape, slot, key, property);
}

function argumentsOf(run: Run, { definition, nodes, index }: FieldPlan): Fields {
  if (definition.args.length === 0) return noArguments;
  const known = run.argumentsOf[index];
  // A resolver that changes its arguments changes no other's.
  if (known) return { ...known };
  const values = getArgumentValues(definition, nodes[0], run.args.variableValues);
  run.argumentsOf[index] = values;
  return { ...values };
}

const noArguments: Fields = Object.freeze({});
