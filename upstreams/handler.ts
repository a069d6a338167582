import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServerDuplexStream,
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
export function createHandlers({ faults, log = console.error, closing }: HandlerDeps) {
  const settle = async <Result>(
    call: Call,
    method: { readonly path: string; readonly responseStream: boolean },
    work: (scope: CallScope) => Promise<Result>,
    fail: (failure: Failure) => void,
  ): Promise<void> => {
    const scope = createCallScope(call, method.path, faults, method.responseStream ? closing : undefined);
    try {
      await work(scope);
    } catch (error) {
      fail(failureFrom(error, scope.context.signal, (line) => log(`${method.path}: ${line}`)));
    } finally {
      scope.cleanup();
    }
  };

  return {
    unary:
      <Req, Res>(
        method: MethodDefinition<Req, Res>,
        work: (request: Req, context: CallContext) => Promise<Res>,
      ): handleUnaryCall<Req, Res> =>
      (call, callback) =>
        void settle(
          call,
          method,
          async (scope) => {
            await scope.start();
            callback(null, scope.change(await work(call.request, scope.context)));
          },
          callback,
        ),

    serverStream:
      <Req, Res>(
        method: MethodDefinition<Req, Res>,
        work: (request: Req, context: CallContext) => AsyncIterable<Res>,
      ): handleServerStreamingCall<Req, Res> =>
      (call) =>
        void settle(
          call,
          method,
          async (scope) => {
            await scope.start();
            await writeAll(call, work(call.request, scope.context), scope);
          },
          (failure) => call.emit('error', failure),
        ),

    clientStream:
      <Req, Res>(
        method: MethodDefinition<Req, Res>,
        work: (requests: AsyncIterable<Req>, context: CallContext) => Promise<Res>,
      ): handleClientStreamingCall<Req, Res> =>
      (call, callback) =>
        void settle(
          call,
          method,
          async (scope) => {
            await scope.start();
            callback(
              null,
              scope.change(await work(call.iterator({ destroyOnReturn: false }), scope.context)),
            );
          },
          callback,
        ),

    duplex:
      <Req, Res>(
        method: MethodDefinition<Req, Res>,
        work: (requests: AsyncIterable<Req>, context: CallContext) => AsyncIterable<Res>,
      ): handleBidiStreamingCall<Req, Res> =>
      (call) =>
        void settle(
          call,
          method,
          async (scope) => {
            await scope.start();
            await writeAll(call, work(call.iterator({ destroyOnReturn: false }), scope.context), scope);
          },
          (failure) => call.emit('error', failure),
        ),
  };
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
