import type { status } from '@grpc/grpc-js';

/** A gRPC status code by its name (google.rpc.Code). */
export type GrpcCode = keyof typeof status;

/** What a circuit breaker makes of a failure. */
export type BreakerView = 'ignored' | 'failure' | 'overload';
