import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js';
import type { WeirError } from '../errors.ts';
import type { CallRecord } from '../observe/timeline.ts';
import { linkSignals, type OwnedSignal } from '../signal.ts';
import { openCall } from './call.ts';
import type { CallHost, CallOptions } from './call-host.ts';
import type { LiveCall } from './live-call.ts';

/** The RPC whose messages a {@link Reader} gives. */
export interface ReadableRpc<Res> {
  readonly kind: CallRecord['kind'];
  readonly path: string;
  readonly start: (live: LiveCall) => ClientReadableStream<Res>;
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
export class Reader<Res> implements AsyncIterableIterator<Res, undefined> {
  readonly #host: CallHost;
  readonly #rpc: ReadableRpc<Res>;
  readonly #call: CallOptions;
  readonly #stop = new AbortController();
  readonly #pulls: Pull<Res>[] = [];
  #linked: OwnedSignal | undefined;
  #stream: ClientReadableStream<Res> | undefined;
  #isOver = false;
  #failure: WeirError | undefined;

  constructor(host: CallHost, rpc: ReadableRpc<Res>, call: CallOptions) {
    this.#host = host;
    this.#rpc = rpc;
    this.#call = call;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Res, undefined>> {
    if (this.#linked === undefined && !this.#isOver) this.#open();
    return new Promise((resolve, reject) => {
      this.#pulls.push({ resolve, reject });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<Res, undefined>> {
    this.#stop.abort();
    this.#end(undefined);
    return Promise.resolve({ value: undefined, done: true });
  }

  #open(): void {
    const { kind, path } = this.#rpc;
    this.#linked = linkSignals(this.#call.signal, this.#stop.signal);
    const call = { ...this.#call, signal: this.#linked.signal };
    openCall(
      this.#host,
      kind,
      path,
      call,
      (live) => this.#listen(live),
      (error) => this.#end(error),
    );
  }

  #listen(live: LiveCall): ClientReadableStream<Res> {
    const stream = this.#rpc.start(live);
    this.#stream = stream;
    stream.on('readable', () => this.#serve());
    stream.on('end', () => this.#end(undefined));
    // Stays for good: grpc-js emits a failure even when nobody reads any more, and unheard it would end the process.
    stream.on('error', (error: ServiceError) => this.#end(live.settle(error)));
    stream.on('status', ({ code }) => {
      if (code === status.OK) live.settle(null);
    });
    return stream;
  }

  #end(failure: WeirError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = this.#stop.signal.aborted ? undefined : failure;
    this.#linked?.cleanup();
    this.#rpc.onOver?.();
    this.#serve();
  }

  #serve(): void {
    for (let pull = this.#pulls[0]; pull !== undefined; pull = this.#pulls[0]) {
      const message = this.#linked?.signal.aborted ? null : (this.#stream?.read() as Res | null | undefined); // its type is any
      const isMessage = message !== null && message !== undefined;
      if (!isMessage && !this.#isOver) return;
      this.#pulls.shift();
      if (isMessage) pull.resolve({ value: message, done: false });
      else this.#finish(pull);
    }
  }

  /** An iterator fails once; then it is done. */
  #finish(pull: Pull<Res>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) pull.resolve({ value: undefined, done: true });
    else pull.reject(failure);
  }
}
