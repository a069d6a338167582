import type { DocumentNaming } from '../guard/documents/gate.ts';
import type { Principal } from '../identity/principal.ts';
import type { RecordEnd } from './record-end.ts';

/** What a transport says of a request before its operation begins. */
export interface RequestFacts {
  readonly requestId: string;
  /** When the answer must be there, in {@link Clock.nowMs} milliseconds: see timeoutFrom. May have passed. */
  readonly deadlineMs: number;
  /** Of the header `traceparent`, as it came. */
  readonly traceparent: string | undefined;
  /** What it says of its document besides the text. */
  readonly naming: DocumentNaming;
  /** Of the header `GraphQL-Cost`, or of `extensions.cost` of the request, as it came. */
  readonly costHeader: string | undefined;
  /** Of the header `Idempotency-Key`, as it came. */
  readonly idempotencyHeader: string | undefined;
  /** Whether the client takes an answer in parts (`@defer`, `@stream`); default: no, and it is answered whole. */
  readonly takesParts?: boolean;
  /** Sets a header of the answer; does nothing where answers have none, or it has begun. */
  readonly setHeader: (name: string, value: string) => void;
  /** Takes the record of the operation's end; see recordOnce. */
  readonly record: RecordEnd;
  /** Who asks, verified. */
  readonly principal: Principal;
  /** Told when a resolver has looked at who asks; absent where nobody wants to know. */
  readonly onPersonal?: () => void;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}
