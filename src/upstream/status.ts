import { status } from '@grpc/grpc-js';
import { type ErrorCode, errorTable, WeirError } from '../errors.ts';
import { type DetailsPolicy, decodeDetails, type PublicDetails } from './details.ts';
import type { BreakerView, GrpcCode } from './grpc-code.ts';
import { type FailedCall, type Origin, type Outcome, originOf } from './origin.ts';
import { UpstreamFailure } from './upstream-failure.ts';

interface StatusFact {
  readonly code: ErrorCode;
  /** The code when grpc-js or a proxy made this status up, not the service. Default: `code`. */
  readonly localCode?: ErrorCode;
  /** Only when the service itself answered; otherwise 'unknown' unless the call was never sent. */
  readonly outcome: Outcome;
  readonly breaker: BreakerView;
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

/**
 * The coded error of a failed call. Its message is the table's and its extensions are the allow-listed details
 * (none when the code is masked); what the upstream said stays in `cause`, an {@link UpstreamFailure}.
 */
export function upstreamError(call: FailedCall, policy: StatusPolicy): WeirError {
  const grpcCode = grpcCodeFrom(call.error.code);
  const fact: StatusFact = statusTable[grpcCode];
  const concluded = originOf(call);
  const { origin } = concluded;
  const details = origin === 'remote' ? detailsOf(call, policy) : {};
  const code = codeFrom(fact, grpcCode, origin, details, policy);
  const outcome = concluded.outcome ?? (origin === 'remote' ? fact.outcome : 'unknown');
  const { upstream, method, error } = call;
  const cause = new UpstreamFailure(
    { upstream, method, grpcCode, origin, outcome, breaker: fact.breaker },
    error,
  );
  return new WeirError(code, { extensions: extensionsFrom(code, fact, details), cause });
}

/** The name of a numeric status; a number outside google.rpc.Code is UNKNOWN (gRPC over HTTP/2, Status). */
export function grpcCodeFrom(code: number): Exclude<GrpcCode, 'OK'> {
  const name = status[code];
  return name !== undefined && name in statusTable ? (name as keyof typeof statusTable) : 'UNKNOWN'; // just checked
}

function detailsOf({ error }: FailedCall, policy: StatusPolicy): PublicDetails {
  const bytes = error.metadata?.get('grpc-status-details-bin')[0];
  return bytes instanceof Buffer ? decodeDetails(bytes, error.code, policy) : {};
}

function codeFrom(
  fact: StatusFact,
  grpcCode: GrpcCode,
  origin: Origin,
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
