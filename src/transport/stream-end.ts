import { type ErrorCode, errorTable } from '../errors.ts';
import type { EndReason } from '../realtime/sink.ts';
import type { CloseReason } from './close-codes.ts';

/** What a client is told of the end of its subscription. */
export type EndFact =
  /** There is nothing more to come: `complete`. */
  | { readonly told: 'complete' }
  /** Nobody listens any more. */
  | { readonly told: 'nothing' }
  /** An error of the subscription, after which the client's own logic decides; the connection stays. */
  | { readonly told: 'error'; readonly code: ErrorCode }
  /**
   * The client shall come back, as clients do by themselves when a connection ends before its subscriptions: a
   * WebSocket is closed with a retried code, an event stream ends without `complete`. `code` is for multipart, whose
   * clients take every end for a good one.
   */
  | { readonly told: 'retry'; readonly close: CloseReason; readonly code: ErrorCode };

/** How each end of a subscription is told on every transport. */
export const endTable = {
  completed: { told: 'complete' },
  client: { told: 'nothing' },
  slow: { told: 'retry', close: 'SLOW', code: 'OVERLOADED' },
  drain: { told: 'retry', close: 'DRAIN', code: 'OVERLOADED' },
  rotated: { told: 'retry', close: 'ROTATED', code: 'OVERLOADED' },
  expired: { told: 'retry', close: 'EXPIRED', code: 'UNAUTHENTICATED' },
  revoked: { told: 'error', code: 'UNAUTHENTICATED' },
  budget: { told: 'error', code: 'RATE_LIMITED' },
  gap: { told: 'error', code: 'CONFLICT' },
  failed: { told: 'error', code: 'INTERNAL_SERVER_ERROR' },
} as const satisfies Readonly<Record<EndReason, EndFact>>;

/**
 * Ends that wait for what has been asked: whoever comes back asks again for what was not answered, and a mutation would be
 * done twice.
 */
export type PoliteEnd = 'drain' | 'rotated';

/** The error of an end as clients see it: the one that was given, else that of the table; undefined for none. */
export function endError(
  reason: EndReason,
  error: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const fact: EndFact = endTable[reason];
  if (error !== undefined || fact.told === 'complete' || fact.told === 'nothing') return error;
  return { message: errorTable[fact.code].message, extensions: { code: fact.code, reason } };
}
