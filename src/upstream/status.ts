import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type ErrorCode, errorTable, WeirError } from '../errors.ts';
import { type DetailsPolicy, decodeDetails, type PublicDetails } from './details.ts';

/** A gRPC status code by its name (google.rpc.Code). */
export type GrpcCode = keyof typeof status;

/** Whether a failed call may have had its effect. */
export type Outcome = 'notDone' | 'unknown';

interface StatusFact {
  readonly code: ErrorCode;
  /** The code when grpc-js or a proxy made this status up, not the service. Default: `code`. */
  readonly localCode?: ErrorCode;
  /** Only when the service itself answered; otherwise 'unknown' unless the call was never sent. */
  readonly outcome: Outcome;
  /** What a circuit breaker makes of it. */
  readonly breaker: 'ignored' | 'failure' | 'overload';
  /** Public reason when the service gives none. */
  readonly reason?: string;
}

/** What each gRPC failure means to us: docs/errors.md. Source of the HTTP pairs: google.rpc.Code. */
export const statusTable = {
  CANCELLED: { code: 'CANCELLED', outcome: 'unknown', breaker: 'ignored' },
  UNKNOWN: { code: 'INTERNAL_SERVER_ERROR', outcome: 'unknown', breaker: 'failure' },
  INVALID_ARGUMENT: { code: 'BAD_USER_INPUT', outcome: 'notDone', breaker: 'ignored' },
  DEADLINE_EXCEEDED: { code: 'UPSTREAM_TIMEOUT', outcome: 'unknown', breaker: 'failure' },
  NOT_FOUND: { code: 'NOT_FOUND', outcome: 'notDone', breaker: 'ignored' },
  ALREADY_EXISTS: { code: 'ALREADY_EXISTS', outcome: 'notDone', breaker: 'ignored' },
  PERMISSION_DENIED: {
    code: 'FORBIDDEN',
    localCode: 'INTERNAL_SERVER_ERROR',
    outcome: 'notDone',
    breaker: 'ignored',
  },
  RESOURCE_EXHAUSTED: {
    code: 'RATE_LIMITED',
    localCode: 'INTERNAL_SERVER_ERROR',
    outcome: 'notDone',
    breaker: 'overload',
  },
  FAILED_PRECONDITION: { code: 'FAILED_PRECONDITION', outcome: 'notDone', breaker: 'ignored' },
  ABORTED: { code: 'CONFLICT', outcome: 'notDone', breaker: 'ignored' },
  OUT_OF_RANGE: { code: 'BAD_USER_INPUT', outcome: 'notDone', breaker: 'ignored', reason: 'OUT_OF_RANGE' },
  UNIMPLEMENTED: { code: 'INTERNAL_SERVER_ERROR', outcome: 'notDone', breaker: 'ignored' },
  INTERNAL: { code: 'INTERNAL_SERVER_ERROR', outcome: 'unknown', breaker: 'failure' },
  UNAVAILABLE: { code: 'UPSTREAM_UNAVAILABLE', outcome: 'unknown', breaker: 'failure' },
  DATA_LOSS: { code: 'INTERNAL_SERVER_ERROR', outcome: 'unknown', breaker: 'failure' },
  // Our own credential was refused, unless the service says that it was the user's: see `userTokenReasons`.
  UNAUTHENTICATED: { code: 'INTERNAL_SERVER_ERROR', outcome: 'notDone', breaker: 'ignored' },
} as const satisfies Readonly<Record<Exclude<GrpcCode, 'OK'>, StatusFact>>;

/** How failures of one upstream are told apart and shown. */
export interface StatusPolicy extends DetailsPolicy {
  readonly userTokenReasons: readonly string[];
}

/** Reasons (google.rpc.ErrorInfo) that mean the user's token, unless `userTokenReasons` names others. */
export const defaultUserTokenReasons: readonly string[] = [
  'USER_TOKEN_EXPIRED',
  'USER_TOKEN_INVALID',
  'USER_TOKEN_MISSING',
];

/** One failed call, for the log and for whoever decides on retries and breakers: the private cause of a WeirError. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';
  readonly upstream: string;
  readonly method: string;
  readonly grpcCode: GrpcCode;
  /** Whether the service answered so, or grpc-js (or a proxy) concluded it. */
  readonly origin: 'remote' | 'local';
  readonly outcome: Outcome;
  readonly breaker: StatusFact['breaker'];

  constructor(facts: Omit<UpstreamFailure, keyof Error>, error: ServiceError) {
    super(`${facts.upstream} ${facts.method}: ${error.message.slice(0, maxLoggedLength)}`, { cause: error });
    this.upstream = facts.upstream;
    this.method = facts.method;
    this.grpcCode = facts.grpcCode;
    this.origin = facts.origin;
    this.outcome = facts.outcome;
    this.breaker = facts.breaker;
  }
}

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

const maxLoggedLength = 2_048;

/**
 * The coded error of a failed call. Its message is the table's and its extensions are the allow-listed details
 * (none when the code is masked); what the upstream said stays in `cause`, an {@link UpstreamFailure}.
 */
export function upstreamError(call: FailedCall, policy: StatusPolicy): WeirError {
  const grpcCode = grpcCodeFrom(call.error.code);
  const fact: StatusFact = statusTable[grpcCode];
  const conclusion = conclusionOf(call);
  const origin = conclusion === undefined && isAnswered(call) ? 'remote' : 'local';
  const details = origin === 'remote' ? detailsOf(call, policy) : {};
  const code = codeFrom(fact, grpcCode, origin, details, policy);
  const remoteOutcome = origin === 'remote' ? fact.outcome : 'unknown';
  const outcome = call.unsent ? 'notDone' : (conclusion?.outcome ?? remoteOutcome);
  const { upstream, method } = call;
  const cause = new UpstreamFailure(
    { upstream, method, grpcCode, origin, outcome, breaker: fact.breaker },
    call.error,
  );
  return new WeirError(code, { extensions: extensionsFrom(code, fact, details), cause });
}

/** The failure behind an error, when a call caused it. */
export function upstreamFailureOf(error: WeirError): UpstreamFailure | undefined {
  return error.cause instanceof UpstreamFailure ? error.cause : undefined;
}

/** The name of a numeric status; a number outside google.rpc.Code is UNKNOWN (gRPC over HTTP/2, Status). */
export function grpcCodeFrom(code: number): Exclude<GrpcCode, 'OK'> {
  const name = status[code];
  return name !== undefined && name in statusTable ? (name as keyof typeof statusTable) : 'UNKNOWN'; // just checked
}

/**
 * Statuses that grpc-js concludes by itself after response headers came, when nothing else tells them from the
 * service's own. Read from 1.14; the tests provoke each, so that a new wording fails them.
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

function conclusionOf({ error }: FailedCall): (typeof conclusions)[number] | undefined {
  // Whatever the types say: a message in an unknown encoding ends the call with a status of undefined members.
  const details = error.details ?? '';
  return conclusions.find(({ startsWith }) => details.startsWith(startsWith));
}

/** Whether gRPC headers or trailers came: without any, no service can have said anything. */
function isAnswered({ error, headers }: FailedCall): boolean {
  return [error.metadata, headers].some((metadata) =>
    String(metadata?.get('content-type')[0] ?? '').startsWith('application/grpc'),
  );
}

function detailsOf({ error }: FailedCall, policy: StatusPolicy): PublicDetails {
  const bytes = error.metadata?.get('grpc-status-details-bin')[0];
  return bytes instanceof Buffer ? decodeDetails(bytes, error.code, policy) : {};
}

function codeFrom(
  fact: StatusFact,
  grpcCode: GrpcCode,
  origin: 'remote' | 'local',
  { reason }: PublicDetails,
  policy: StatusPolicy,
): ErrorCode {
  if (origin === 'local') return fact.localCode ?? fact.code;
  const isUsers =
    grpcCode === 'UNAUTHENTICATED' && reason !== undefined && policy.userTokenReasons.includes(reason);
  return isUsers ? 'UNAUTHENTICATED' : fact.code;
}

function extensionsFrom(code: ErrorCode, fact: StatusFact, details: PublicDetails): PublicDetails {
  if (code === 'INTERNAL_SERVER_ERROR') return {};
  const { retryAfterMs, ...others } = details;
  return {
    ...(fact.reason !== undefined && { reason: fact.reason }),
    ...others,
    ...(retryAfterMs !== undefined && errorTable[code].retryable && { retryAfterMs }),
  };
}
