import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  executeRootSelectionSet,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValidatedExecutionArgs,
  validateExecutionArgs,
} from 'graphql';
import type { OpenTally } from '../guard/cost/tally.ts';
import { conditionVariables, type Plan, type PlanRoom } from './plan.ts';
import { runPlan } from './run.ts';

type Answer = ExecutionResult | Promise<ExecutionResult>;

/**
 * Runs an operation whose document is parsed and validated; a tally is told of the objects it gives, where a plan runs
 * it. `validated` is what validateExecutionArgs says of the arguments, for those who have asked already.
 */
export type Execute = (
  args: ExecutionArgs,
  tally?: OpenTally,
  validated?: ReturnType<typeof validateExecutionArgs>,
) => Answer;

/** What is known of one document. */
interface DocumentPlans {
  /** Variables that @skip and @include depend on. */
  readonly conditions: readonly string[];
  readonly room: PlanRoom;
  /** By operation, and by what the conditions come to. */
  readonly plans: WeakMap<OperationDefinitionNode, Map<string, Plan>>;
}

/** Most plans of one operation that are kept: conditions multiply. */
const maxPlans = 16;

/** Most fields that the plans of one document remember; what is beyond is planned anew each time. */
const maxFields = 1000;

/**
 * Executes queries and mutations by plans, and by graphql-js what plans cannot do. Both give equal answers; a plan saves
 * what graphql-js finds out anew for each request and each object: fields, types, arguments. It is data, never code, so
 * nothing of a client's text can become any. Plans live as long as the document that they are made of: the bound of the
 * document cache is theirs too.
 */
export function createExecutor(): Execute {
  const known: KnownPlans = new WeakMap();
  return (args, tally, validated = validateExecutionArgs(args)) => {
    if (!('schema' in validated)) return { errors: validated };
    if (isBeyondPlans(args, validated)) return executeRootSelectionSet(validated) as Answer; // as: one result, since nothing asks for parts
    return runPlan(planFor(known, validated), validated, tally);
  };
}

/** Experiments of graphql-js: variables of fragments, errors that stay where they are. */
function isBeyondPlans(
  { abortSignal }: ExecutionArgs,
  { fragments, errorPropagation }: ValidatedExecutionArgs,
): boolean {
  return (
    !errorPropagation ||
    abortSignal !== undefined ||
    Object.values(fragments).some(({ variableSignatures }) => variableSignatures !== undefined)
  );
}

type KnownPlans = WeakMap<GraphQLSchema, WeakMap<DocumentNode, DocumentPlans>>;

function planFor(
  known: KnownPlans,
  { schema, document, operation, variableValues }: ValidatedExecutionArgs,
): Plan {
  const ofSchema = entryOf(known, schema, () => new WeakMap<DocumentNode, DocumentPlans>());
  const { conditions, room, plans } = entryOf(ofSchema, document, () => ({
    conditions: conditionVariables(document),
    room: { left: maxFields },
    plans: new WeakMap(),
  }));
  const ofOperation = entryOf(plans, operation, () => new Map<string, Plan>());
  const key = conditions.map((name) => String(variableValues.coerced[name])).join(' ');
  const plan = ofOperation.get(key) ?? { room, fields: 0, places: [], root: undefined };
  if (ofOperation.size < maxPlans) ofOperation.set(key, plan);
  return plan;
}

function entryOf<Key extends object, Value>(map: WeakMap<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
