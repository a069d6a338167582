import type { OperationRecord, OperationType, Outcome } from './operation-record.ts';

/** The one line of an operation: never a variable, the document, a header or a token. */
export interface OperationLine {
  readonly requestId: string;
  /** At most {@link maxTextLength} characters, without control characters; null for none. */
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
  readonly traceId: string | null;
}

/** Longest text of a client or a token in the log, in UTF-16 units. */
export const maxTextLength = 100;

/** The names of almost everybody, which need no closer look. */
const plainText = /^[\w.:|@-]{1,100}$/;
/** Controls, marks that reverse or hide text, line and paragraph separators, halves of surrogate pairs. */
const unreadable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

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
    traceId: record.traceId ?? null,
  };
}

function textOrNull(text: string | null): string | null {
  return text === null ? null : readableText(text);
}

/** Cut before and after: escapes are longer than what they stand for. */
function readableText(text: string): string {
  if (plainText.test(text)) return text;
  return text.slice(0, maxTextLength).replace(unreadable, escapeText).slice(0, maxTextLength);
}

function escapeText(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
