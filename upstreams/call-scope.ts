import { Metadata, status } from '@grpc/grpc-js';
import { type Caller, callerFrom } from './caller.ts';
import { type Fault, type Faults, failureOfFault } from './faults.ts';
import { failure } from './status.ts';

/** What a method knows of the call that it answers. */
export interface CallContext {
  /** Aborts when the caller leaves or its deadline passes. Given to every statement and wait. */
  readonly signal: AbortSignal;
  readonly metadata: Metadata;
  /** Who asks. Reading it throws INVALID_ARGUMENT when the metadata is malformed: what is public does not. */
  readonly caller: Caller;
  /** Milliseconds since the epoch; Infinity when the caller set none. */
  readonly deadlineMs: number;
  /** Sends the headers now rather than with the first message: a watcher's sign that nothing will be missed. */
  readonly sendHeaders: () => void;
}

/** What the four kinds of call of grpc-js have in common. */
export interface Call {
  readonly metadata: Metadata;
  getDeadline(): Date | number;
  sendMetadata(metadata: Metadata): void;
  on(event: 'cancelled' | 'drain', listener: () => void): unknown;
  off(event: 'cancelled' | 'drain', listener: () => void): unknown;
}

/** One call from its start to its end: its signal and its fault. */
export interface CallScope {
  readonly context: CallContext;
  /** Waits out a delay, then strikes unless the fault is for later. */
  readonly start: () => Promise<void>;
  /** Strikes when the fault's number of messages has been sent. */
  readonly beforeMessage: () => Promise<void>;
  /** The answer as the fault changes it. */
  readonly change: <Response>(response: Response) => Response;
  /** Resolves when the stream takes more; rejects when the call is over. */
  readonly drained: () => Promise<void>;
  readonly cleanup: () => void;
}

/** @param closing ends the call with UNAVAILABLE when it aborts. */
export function createCallScope(
  call: Call,
  path: string,
  faults: Faults,
  closing: AbortSignal | undefined,
): CallScope {
  const controller = new AbortController();
  const { signal } = controller;
  const deadlineMs = Number(call.getDeadline());
  const onCancelled = () => controller.abort(reasonOf(deadlineMs));
  const onClosing = () => controller.abort(failure(status.UNAVAILABLE, 'The server is stopping.'));
  call.on('cancelled', onCancelled);
  closing?.addEventListener('abort', onClosing);
  if (closing?.aborted) onClosing();
  let headersSent = false;
  let messages = 0;
  let caller: Caller | undefined;
  const fault = faults.take(path);

  const strike = async () => {
    if (fault && messages >= (fault.afterMessages ?? 0)) await strikeWith(fault, call, signal);
  };
  return {
    context: {
      signal,
      deadlineMs,
      metadata: call.metadata,
      get caller() {
        caller ??= callerFrom(call.metadata);
        return caller;
      },
      sendHeaders: () => {
        if (!headersSent) call.sendMetadata(new Metadata());
        headersSent = true;
      },
    },
    start: async () => {
      if (fault?.delayMs) await untilAborted(signal, fault.delayMs);
      await strike();
    },
    beforeMessage: async () => {
      await strike();
      messages++;
    },
    change: (response) => (fault?.rows ? faults.changeRows(fault.rows, response) : response),
    drained: () => drained(call, signal),
    cleanup: () => {
      call.off('cancelled', onCancelled);
      closing?.removeEventListener('abort', onClosing);
    },
  };
}

/** grpc-js says only that a call is over, not why. */
function reasonOf(deadlineMs: number): DOMException {
  return Date.now() >= deadlineMs
    ? new DOMException('The deadline of the call has passed.', 'TimeoutError')
    : new DOMException('The caller has left.', 'AbortError');
}

async function strikeWith(fault: Fault, call: Call, signal: AbortSignal): Promise<void> {
  if (fault.hang) await untilAborted(signal);
  if (fault.disconnect) {
    destroyConnection(call);
    await untilAborted(signal);
  }
  if (fault.code) throw failureOfFault(fault.code);
}

/** grpc-js hides the HTTP/2 stream (server-interceptors.js, BaseServerInterceptingCall.stream); only this fault looks for it. */
function destroyConnection(call: object): void {
  const inner: unknown = Reflect.get(call, 'call');
  const stream: unknown =
    typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'stream') : undefined;
  const session: unknown =
    typeof stream === 'object' && stream !== null ? Reflect.get(stream, 'session') : undefined;
  const destroy: unknown =
    typeof session === 'object' && session !== null ? Reflect.get(session, 'destroy') : undefined;
  if (typeof destroy !== 'function')
    throw new Error('grpc-js keeps its HTTP/2 session elsewhere in this version.');
  destroy.call(session);
}

/** Resolves after `ms`, if given; rejects when the signal aborts. */
async function untilAborted(signal: AbortSignal, ms?: number): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

async function drained(call: Call, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onDrain = () => resolve();
  const onAbort = () => reject(signal.reason);
  call.on('drain', onDrain);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } finally {
    call.off('drain', onDrain);
    signal.removeEventListener('abort', onAbort);
  }
}
