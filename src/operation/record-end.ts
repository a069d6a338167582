import { type ExecutionResult, getOperationAST, type OperationDefinitionNode } from 'graphql';
import type { DeprecatedUses } from '../deprecation/deprecated-uses.ts';
import type {
  OperationRecord,
  Outcome,
  RecordedDeprecation,
  RecordedPrice,
} from '../observe/operation-record.ts';
import type { OperationContext } from './context.ts';

/** Takes the record of an operation that has ended. */
export type RecordEnd = (record: OperationRecord) => void;

/** Passes on the first record only: whoever notices an operation's end first tells of it, and nobody counts it twice. */
export function recordOnce(record: RecordEnd): RecordEnd {
  let isOpen = true;
  return (end) => {
    if (isOpen) record(end);
    isOpen = false;
  };
}

/** What was executed, as graphql-js has it. */
export type Executed = Parameters<typeof getOperationAST>;

/** How an operation ended. */
export interface EndedOperation {
  /** Codes of all its errors. */
  readonly codes: readonly string[];
  readonly hasData: boolean;
  readonly price?: RecordedPrice | undefined;
  readonly deprecated?: DeprecatedUses | undefined;
}

/** The record of an operation that was executed and ended with `results`: one, or the events of a subscription. */
export function executedRecord(
  context: OperationContext,
  executed: Executed,
  { codes, hasData, price, deprecated }: EndedOperation,
  nowMs: number,
): OperationRecord {
  const operation: OperationDefinitionNode | null | undefined = getOperationAST(...executed);
  return {
    requestId: context.requestId,
    operationName: operation?.name?.value,
    type: operation?.operation ?? 'unknown',
    variant: context.variant,
    principal: context.principal,
    outcome: outcomeOf(codes, hasData),
    codes,
    durationMs: nowMs - context.startMs,
    price,
    deprecated: deprecated && recordedDeprecation(deprecated, context),
    timeline: context.timeline,
    traceId: context.traceId,
  };
}

function recordedDeprecation(
  { fields, document }: DeprecatedUses,
  { principal }: OperationContext,
): RecordedDeprecation {
  return { fields, document, client: principal.client ?? principal.kind };
}

/** The record of a request that was refused before it was executed. */
export function refusedRecord(
  refused: Pick<OperationRecord, 'requestId' | 'variant' | 'codes' | 'durationMs'>,
): OperationRecord {
  return {
    ...refused,
    operationName: undefined,
    type: 'unknown',
    principal: undefined,
    outcome: 'refused',
    price: undefined,
    deprecated: undefined,
    timeline: undefined,
    traceId: undefined,
  };
}

/** The codes of a settled result. */
export function codesOf({ errors = [] }: ExecutionResult): readonly string[] {
  return errors.map(({ extensions }) => String(extensions['code']));
}

function outcomeOf(codes: readonly string[], hasData: boolean): Outcome {
  if (codes.length === 0) return 'ok';
  return hasData ? 'partial' : 'error';
}
