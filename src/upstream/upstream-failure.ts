import type { ServiceError } from '@grpc/grpc-js';
import type { WeirError } from '../errors.ts';
import type { BreakerView, GrpcCode } from './grpc-code.ts';
import type { Origin, Outcome } from './origin.ts';

const maxLoggedLength = 2_048;

/** One failed call, for the log and for whoever decides on retries and breakers: the private cause of a WeirError. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';
  readonly upstream: string;
  readonly method: string;
  readonly grpcCode: GrpcCode;
  /** Whether the service answered so, or grpc-js (or a proxy) concluded it. */
  readonly origin: Origin;
  readonly outcome: Outcome;
  readonly breaker: BreakerView;

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

/** The failure behind an error, when a call caused it. */
export function upstreamFailureOf(error: WeirError): UpstreamFailure | undefined {
  return error.cause instanceof UpstreamFailure ? error.cause : undefined;
}
