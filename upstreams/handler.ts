import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServerDuplexStream,
  ServerReadableStream,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { type Call, type CallContext, type CallScope, createCallScope } from './call-scope.ts';
import { failureFrom } from './failure-from.ts';
import type { Faults } from './faults.ts';
import type { Failure } from './status.ts';

export interface HandlerDeps {
  readonly faults: Faults;
  readonly log?: ((line: string) => void) | undefined;
  /** Aborts when the server stops: calls that answer with a stream end with UNAVAILABLE, the others may finish. */
  readonly closing?: AbortSignal | undefined;
}

/** Makes grpc-js handlers of async functions and generators: cancellation, back-pressure, faults and failures in one place. */
export function createHandlers(deps: HandlerDeps) {
  return {
    unary: <Req, Res>(
      method: MethodDefinition<Req, Res>,
      work: (request: Req, context: CallContext) => Promise<Res>,
    ): handleUnaryCall<Req, Res> => {
      return (call, callback) =>
        void settle(deps, method, call, callback, async (scope) => {
          callback(null, scope.change(await work(call.request, scope.context)));
        });
    },

    serverStream: <Req, Res>(
      method: MethodDefinition<Req, Res>,
      work: (request: Req, context: CallContext) => AsyncIterable<Res>,
    ): handleServerStreamingCall<Req, Res> => {
      return (call) =>
        void settle(deps, method, call, failStream(call), (scope) =>
          writeAll(call, work(call.request, scope.context), scope),
        );
    },

    clientStream: <Req, Res>(
      method: MethodDefinition<Req, Res>,
      work: (requests: AsyncIterable<Req>, context: CallContext) => Promise<Res>,
    ): handleClientStreamingCall<Req, Res> => {
      return (call, callback) =>
        void settle(deps, method, call, callback, async (scope) => {
          callback(null, scope.change(await work(requestsOf(call), scope.context)));
        });
    },

    duplex: <Req, Res>(
      method: MethodDefinition<Req, Res>,
      work: (requests: AsyncIterable<Req>, context: CallContext) => AsyncIterable<Res>,
    ): handleBidiStreamingCall<Req, Res> => {
      return (call) =>
        void settle(deps, method, call, failStream(call), (scope) =>
          writeAll(call, work(requestsOf(call), scope.context), scope),
        );
    },
  };
}

/** One call from its start to its end. Never rejects: what goes wrong is the answer. */
async function settle(
  { faults, log = console.error, closing }: HandlerDeps,
  { path, responseStream }: { readonly path: string; readonly responseStream: boolean },
  call: Call,
  fail: (failure: Failure) => void,
  work: (scope: CallScope) => Promise<void>,
): Promise<void> {
  const scope = createCallScope(call, path, faults, responseStream ? closing : undefined);
  try {
    await scope.start();
    await work(scope);
  } catch (error) {
    fail(failureFrom(error, scope.context.signal, (line) => log(`${path}: ${line}`)));
  } finally {
    scope.cleanup();
  }
}

/** Leaving the loop early must not destroy the stream: its answer is still to be written. */
function requestsOf<Req, Res>(
  call: ServerReadableStream<Req, Res> | ServerDuplexStream<Req, Res>,
): AsyncIterable<Req> {
  return call.iterator({ destroyOnReturn: false });
}

function failStream(call: { emit(event: 'error', failure: Failure): boolean }): (failure: Failure) => void {
  return (failure) => void call.emit('error', failure);
}

/** Pulls the next message only when the last one has room: a slow reader holds the generator, not memory. */
async function writeAll<Req, Res>(
  call: ServerWritableStream<Req, Res> | ServerDuplexStream<Req, Res>,
  messages: AsyncIterable<Res>,
  scope: CallScope,
): Promise<void> {
  const { signal } = scope.context;
  for await (const message of messages) {
    await scope.beforeMessage();
    if (signal.aborted) break;
    if (!call.write(message)) await scope.drained();
  }
  signal.throwIfAborted();
  call.end();
}
