import type { Timeline } from './timeline.ts';

/**
 * How an operation ended: `ok` without an error; `partial` with data and errors; `error` executed, and without data;
 * `refused` before it was executed.
 */
export type Outcome = 'ok' | 'partial' | 'error' | 'refused';

/** What an operation asks for; `unknown` when it was refused before that could be read. */
export type OperationType = 'query' | 'mutation' | 'subscription' | 'unknown';

/** What is known of an operation when it has ended, for metrics and the log. */
export interface OperationRecord {
  readonly requestId: string;
  /** As the client named it, of any length and with any character; undefined for none. */
  readonly operationName: string | undefined;
  readonly type: OperationType;
  /** `unknown` when it was refused before that could be read. */
  readonly variant: string;
  /** Who asked; see Principal. Undefined when it was refused before that was known. */
  readonly principal: { readonly kind: string; readonly subject: string | null } | undefined;
  readonly outcome: Outcome;
  /** `extensions.code` of each error of the answer. */
  readonly codes: readonly string[];
  readonly durationMs: number;
  /** Undefined when it ended before it had a price. */
  readonly price: RecordedPrice | undefined;
  /** What it used that is deprecated; undefined for nothing. */
  readonly deprecated: RecordedDeprecation | undefined;
  /** Undefined when it was refused before it began. */
  readonly timeline: Timeline | undefined;
  readonly traceId: string | undefined;
}

/** What an operation was priced at, and what it used; all in points but the calls. */
export interface RecordedPrice {
  readonly estimatePoints: number;
  /** Undefined when it was not executed. */
  readonly actualPoints: number | undefined;
  /** Most calls upstream that it could make. */
  readonly upstreamCalls: number;
  /** Code with which budgets refused it, or would have where they only measure. */
  readonly refused: string | undefined;
}

/** Who used what is deprecated. */
export interface RecordedDeprecation {
  /** Schema coordinates, each once, from 1. */
  readonly fields: readonly string[];
  /** What tells the document: the operation's name, or the beginning of its hash. */
  readonly document: string;
  /** The application that asked, as its token names it; the kind of principal where it names none. */
  readonly client: string;
}
