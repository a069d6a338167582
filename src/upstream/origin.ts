import type { Metadata, ServiceError } from '@grpc/grpc-js';

/** Who a status comes from: the service, or grpc-js (or a proxy) in its place. */
export type Origin = 'remote' | 'local';

/** Whether a failed call may have had its effect. */
export type Outcome = 'notDone' | 'unknown';

/** What is known of a call when it fails. */
export interface FailedCall {
  readonly upstream: string;
  readonly method: string;
  readonly error: ServiceError;
  /** The response headers, when any came. */
  readonly headers: Metadata | undefined;
  /** The call was never given to a connection. */
  readonly unsent: boolean;
}

/**
 * Statuses that grpc-js concludes by itself after response headers came, when nothing else tells them from the
 * service's own. Read from 1.14; the tests provoke those that a peer can, so that a new wording fails them.
 */
const conclusions: readonly { readonly startsWith: string; readonly outcome: Outcome }[] = [
  { startsWith: 'Attempted to send message with a size larger than', outcome: 'notDone' },
  { startsWith: 'Received message larger than max', outcome: 'unknown' },
  { startsWith: 'Received message that decompresses to a size larger', outcome: 'unknown' },
  { startsWith: 'Bandwidth exhausted or memory limit exceeded', outcome: 'unknown' },
  { startsWith: 'Protocol not secure enough', outcome: 'unknown' },
  { startsWith: 'Received HTTP status code', outcome: 'unknown' },
  { startsWith: 'No message received', outcome: 'unknown' },
  { startsWith: 'Too many responses received', outcome: 'unknown' },
  { startsWith: 'Getting metadata from plugin failed', outcome: 'notDone' },
  { startsWith: 'Channel closed before call started', outcome: 'notDone' },
  // RFC 9113 section 8.7: a refused stream was not processed.
  { startsWith: 'Stream refused by server', outcome: 'notDone' },
];

/**
 * Who made up the status of a failed call. It is the service's only when gRPC headers or trailers came and grpc-js did
 * not conclude it afterwards. `outcome` is there when the conclusion itself settles it.
 */
export function originOf(call: FailedCall): { readonly origin: Origin; readonly outcome?: Outcome } {
  const outcome = call.unsent ? 'notDone' : concludedOutcome(call);
  if (outcome !== undefined) return { origin: 'local', outcome };
  return { origin: isAnswered(call) ? 'remote' : 'local' };
}

function concludedOutcome({ error }: FailedCall): Outcome | undefined {
  // Whatever the types say: a message in an unknown encoding ends the call with a status of undefined members.
  const details = error.details ?? '';
  return conclusions.find(({ startsWith }) => details.startsWith(startsWith))?.outcome;
}

function isAnswered({ error, headers }: FailedCall): boolean {
  return [error.metadata, headers].some((metadata) =>
    String(metadata?.get('content-type')[0] ?? '').startsWith('application/grpc'),
  );
}
