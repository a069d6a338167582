import { type ExecutionResult, GraphQLError } from 'graphql';
import { errorTable, WeirError } from '../errors.ts';
import { upstreamFailureOf } from '../upstream/upstream-failure.ts';

/** What is known of a mutation that has ended: `done` in all or in part, certainly `notDone`, or `unknown`. */
export type MutationOutcome = 'done' | 'notDone' | 'unknown';

/** What tells the outcome besides the result. */
export interface OutcomeFacts {
  /** Response names of the root fields. */
  readonly fields: readonly string[];
  /** Whether an upstream answered a call with success: what fails afterwards may have had an effect before. */
  readonly hasSucceededCall: boolean;
  /** See KeyedMutation. */
  readonly isRepeatable: boolean;
}

/**
 * What became of a mutation, by its result before errors are made public. `notDone` only where it is certain: no call
 * succeeded, and all that failed was refused, here or by an upstream whose status says so (docs/errors.md).
 */
export function mutationOutcome(
  { data, errors = [] }: ExecutionResult,
  facts: OutcomeFacts,
): MutationOutcome {
  if (errors.some(({ path }) => path === undefined)) return 'unknown';
  const outcomes = facts.fields.map((field) => {
    const ofField = errors.filter(({ path }) => path?.[0] === field);
    return fieldOutcome(data?.[field], data !== null, ofField, facts);
  });
  if (outcomes.includes('unknown')) return 'unknown';
  if (outcomes.includes('done')) return 'done';
  return facts.hasSucceededCall ? 'unknown' : 'notDone';
}

function fieldOutcome(
  value: unknown,
  hasData: boolean,
  errors: readonly GraphQLError[],
  facts: OutcomeFacts,
): MutationOutcome {
  if (hasData && (errors.length === 0 || (value !== null && value !== undefined))) return 'done';
  const own = errors.find(({ path }) => path?.length === 1);
  // It was done, and then no answer could be read. Where it takes a key once, another attempt reads one.
  if (!own) return facts.isRepeatable || errors.length === 0 ? 'unknown' : 'done';
  return isRefusal(own) ? 'notDone' : 'unknown';
}

/** Whether an error at a root field says that nothing was done by what failed. */
function isRefusal({ originalError }: GraphQLError): boolean {
  // Of graphql-js itself: an argument that is not acceptable.
  if (!originalError) return true;
  if (originalError instanceof GraphQLError) return isRefusal(originalError);
  if (!(originalError instanceof WeirError)) return false;
  const failure = upstreamFailureOf(originalError);
  if (failure) return failure.outcome === 'notDone';
  const { code } = originalError;
  // Ours: who is cancelled may have sent a call; who finds no room has not.
  return code === 'OVERLOADED' || (errorTable[code].httpStatus < 500 && code !== 'CANCELLED');
}
