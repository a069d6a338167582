import type {
  ExperimentalIncrementalExecutionResults,
  InitialIncrementalExecutionResult,
  SubsequentIncrementalExecutionResult,
} from 'graphql';

/** What is there first of an answer in parts; `pending` names what comes later. */
export type InitialPart = InitialIncrementalExecutionResult;

/** What comes later; the last says so by `hasNext`. */
export type LaterPart = SubsequentIncrementalExecutionResult;

/** A fragment or the rest of a list that comes later: its name, and where it belongs. */
export type PendingPart = InitialPart['pending'][number];

/** An answer in parts, as an execution gives it. */
export interface PartsResult {
  readonly initialResult: InitialPart;
  readonly subsequentResults: Pick<
    ExperimentalIncrementalExecutionResults['subsequentResults'],
    'next' | 'return'
  >;
}

/** Whether an execution gave an answer in parts. */
export function isInParts(result: unknown): result is PartsResult {
  return typeof result === 'object' && result !== null && 'initialResult' in result;
}
