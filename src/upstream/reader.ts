import type { ClientReadableStream } from '@grpc/grpc-js';
import type { WeirError } from '../errors.ts';
import type { CallRecord } from '../observe/timeline.ts';
import { linkSignals, type OwnedSignal } from '../signal.ts';
import { openCall } from './call.ts';
import type { CallHost, CallOptions } from './call-host.ts';
import type { LiveCall } from './live-call.ts';

/** What {@link createReader} reads from. */
export interface ReadableRpc<Res> {
  readonly kind: CallRecord['kind'];
  readonly path: string;
  readonly make: (live: LiveCall) => ClientReadableStream<Res>;
  /** Runs once when the RPC is over, however it ended. */
  readonly onOver?: () => void;
}

interface Pull<Res> {
  readonly resolve: (result: IteratorResult<Res, undefined>) => void;
  readonly reject: (error: WeirError) => void;
}

/**
 * The messages of an RPC as an async iterator that starts the RPC at the first `next()` and ends it at `return()`, even
 * while a `next()` is pending (an async generator would wait for it). Nobody pulls: after 16 messages ahead, the bound
 * that grpc-js fixes, reading stops and HTTP/2 flow control holds the service back. Messages that came before a
 * failure are given before it; after a cancellation none is.
 */
export function createReader<Res>(
  host: CallHost,
  rpcOf: ReadableRpc<Res>,
  call: CallOptions,
): AsyncIterableIterator<Res, undefined> {
  const pulls: Pull<Res>[] = [];
  const stop = new AbortController();
  let linked: OwnedSignal | undefined;
  let rpc: ClientReadableStream<Res> | undefined;
  let isOver = false;
  let failure: WeirError | undefined;

  const serve = () => {
    for (let pull = pulls[0]; pull !== undefined; pull = pulls[0]) {
      const message: Res | null = linked?.signal.aborted ? null : (rpc?.read() ?? null);
      if (message === null && !isOver) return;
      pulls.shift();
      if (message !== null) pull.resolve({ value: message, done: false });
      else if (failure === undefined) pull.resolve({ value: undefined, done: true });
      else {
        pull.reject(failure);
        failure = undefined; // an iterator fails once, then it is done
      }
    }
  };
  const end = (error: WeirError | undefined) => {
    if (isOver) return;
    isOver = true;
    failure = stop.signal.aborted ? undefined : error;
    linked?.cleanup();
    rpcOf.onOver?.();
    serve();
  };
  const start = (): OwnedSignal => {
    const own = linkSignals(call.signal, stop.signal);
    openCall(host, rpcOf.kind, rpcOf.path, { ...call, signal: own.signal }, begin, end);
    return own;
  };
  const begin = (live: LiveCall) => {
    const stream = rpcOf.make(live);
    rpc = stream;
    stream.on('readable', serve);
    stream.on('end', () => end(undefined));
    // Stays for good: grpc-js emits a failure even when nobody reads any more, and unheard it would end the process.
    stream.on('error', (error: Parameters<LiveCall['settle']>[0]) => end(live.settle(error)));
    stream.on('status', ({ code }) => {
      if (code === 0) live.settle(null);
    });
    return stream;
  };

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      if (!stop.signal.aborted) linked ??= start();
      return new Promise((resolve, reject) => {
        pulls.push({ resolve, reject });
        serve();
      });
    },
    return: () => {
      stop.abort();
      end(undefined);
      return Promise.resolve({ value: undefined, done: true });
    },
  };
}
