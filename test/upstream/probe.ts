import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { systemClock } from '../../src/clock.ts';
import type { CallRecord } from '../../src/observe/timeline.ts';
import type { UpstreamOptions } from '../../src/upstream/options.ts';
import { type CallOptions, createUpstream, type Upstream } from '../../src/upstream/upstream.ts';

const codec = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};

/**
 * A service with one RPC of each kind; its messages are strings, never empty (grpc-js takes a falsy request for none).
 * Shaped as ts-proto's grpc-js output is.
 */
export const probe = {
  unary: { path: '/test.v1.Probe/Unary', requestStream: false, responseStream: false, ...codec },
  serverStream: { path: '/test.v1.Probe/ServerStream', requestStream: false, responseStream: true, ...codec },
  clientStream: { path: '/test.v1.Probe/ClientStream', requestStream: true, responseStream: false, ...codec },
  duplex: { path: '/test.v1.Probe/Duplex', requestStream: true, responseStream: true, ...codec },
} as const;

export interface ProbeHandlers {
  readonly unary?: (call: ServerUnaryCall<string, string>, reply: sendUnaryData<string>) => void;
  readonly serverStream?: (call: ServerWritableStream<string, string>) => void;
  readonly clientStream?: (call: ServerReadableStream<string, string>, reply: sendUnaryData<string>) => void;
  readonly duplex?: (call: ServerDuplexStream<string, string>) => void;
}

export interface ProbeServer extends AsyncDisposable {
  readonly target: string;
  readonly server: Server;
}

/** Serves `handlers` on a free port of loopback until disposed. */
export async function serveProbe(
  handlers: ProbeHandlers,
  options: ConstructorParameters<typeof Server>[0] = {},
): Promise<ProbeServer> {
  const server = new Server({ 'grpc.max_receive_message_length': -1, ...options });
  const implementation: UntypedServiceImplementation = { ...handlers } as UntypedServiceImplementation; // same shapes, by name
  server.addService(probe, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { target: `127.0.0.1:${port}`, server, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

/** An upstream that closes at the end of the test's scope. */
export function openUpstream(
  target: string,
  options: Partial<UpstreamOptions> = {},
): Upstream & AsyncDisposable {
  const upstream = createUpstream({ name: 'probe', target, clock: systemClock, ...options });
  return Object.assign(upstream, { [Symbol.asyncDispose]: () => upstream.close() });
}

export interface TestCall extends CallOptions {
  readonly records: CallRecord[];
  readonly abort: (reason?: unknown) => void;
}

/** Options of one call with `timeoutMs` to go, its own signal and its records. */
export function callFor(timeoutMs = 5_000, more: Partial<CallOptions> = {}): TestCall {
  const controller = new AbortController();
  const records: CallRecord[] = [];
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    deadlineMs: systemClock.nowMs() + timeoutMs,
    requestId: 'request-1',
    records,
    recorder: { call: (record) => records.push(record) },
    ...more,
  };
}

/** The error that `work` fails with; fails the test when it does not. */
export async function failureOf(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure, got an answer');
}

/** Fulfilled when the service sees the call cancelled. */
export async function cancelled(call: {
  once(event: 'cancelled', listener: () => void): unknown;
}): Promise<void> {
  await new Promise<void>((resolve) => call.once('cancelled', resolve));
}

/** A gRPC status as a handler gives it. */
export function statusOf(
  code: number,
  details: string,
  trailers: Readonly<Record<string, string | Buffer>> = {},
) {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  return { code, details, metadata };
}
