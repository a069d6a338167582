import type { OperationRecord, OperationType, Outcome } from './operation-record.ts';
import { readableText } from './readable-text.ts';

/** The one line of an operation: never a variable, the document, a header or a token. */
export interface OperationLine {
  readonly requestId: string;
  /** See {@link readableText}; null for none. */
  readonly operation: string | null;
  readonly type: OperationType;
  readonly variant: string;
  readonly principal: { readonly kind: string; readonly subject: string | null } | null;
  readonly outcome: Outcome;
  /** Each code once, in the sequence of the errors. */
  readonly codes: readonly string[];
  /** To the microsecond. */
  readonly durationMs: number;
  readonly calls: number;
  readonly batches: number;
  /** Distinct keys of all batches together. */
  readonly keys: number;
  /** Points before and after; null where there were none. */
  readonly estimatePoints: number | null;
  readonly actualPoints: number | null;
  /** Coordinates of what it used that is deprecated, at most {@link maxDeprecated}; absent for nothing. */
  readonly deprecated?: readonly string[];
  readonly traceId: string | null;
}

/** Most deprecated elements that one line names. */
const maxDeprecated = 20;

/** What the log tells of an operation that has ended. */
export function operationLine(record: OperationRecord): OperationLine {
  const { principal, timeline } = record;
  return {
    requestId: record.requestId,
    operation: record.operationName === undefined ? null : readableText(record.operationName),
    type: record.type,
    variant: record.variant,
    principal: principal ? { kind: principal.kind, subject: textOrNull(principal.subject) } : null,
    outcome: record.outcome,
    codes: record.codes.length > 1 ? [...new Set(record.codes)] : record.codes,
    durationMs: Math.round(record.durationMs * 1000) / 1000,
    calls: timeline ? timeline.calls.length + timeline.droppedCalls : 0,
    batches: timeline ? timeline.batches.length + timeline.droppedBatches : 0,
    keys: timeline ? timeline.batches.reduce((sum, { keys }) => sum + keys, 0) : 0,
    estimatePoints: record.price?.estimatePoints ?? null,
    actualPoints: record.price?.actualPoints ?? null,
    ...(record.deprecated && { deprecated: record.deprecated.fields.slice(0, maxDeprecated) }),
    traceId: record.traceId ?? null,
  };
}

function textOrNull(text: string | null): string | null {
  return text === null ? null : readableText(text);
}
