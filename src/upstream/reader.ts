import type { StatusObject } from '@grpc/grpc-js';
import { WeirError } from '../errors.ts';
import type { CallRecord } from '../observe/timeline.ts';
import { onAbort } from '../signal.ts';
import { openCall } from './call.ts';
import type { CallHost, CallOptions } from './call-host.ts';
import type { LiveCall, StartedRpc } from './live-call.ts';
import type { RpcListener } from './rpc.ts';

/** Most messages that are read ahead of whoever pulls. */
const maxAhead = 16;

/** The RPC whose messages a {@link Reader} gives. */
export interface ReadableRpc<Res> {
  readonly kind: CallRecord['kind'];
  readonly path: string;
  readonly start: (live: LiveCall, listener: RpcListener<Res>) => StartedRpc & { read(): void };
  /** Runs once when the RPC is over, however it ended. */
  readonly onOver?: () => void;
}

/** The messages of an RPC, to be read one by one or all at once. */
export interface Messages<Res> extends AsyncIterableIterator<Res, undefined> {
  /**
   * All messages that are still to come. Rejects with the failure of the RPC, or with `INTERNAL_SERVER_ERROR` when there
   * are more than `maxMessages`, and then cancels it. Costs less than a loop: messages wait for no promise of their own.
   */
  toArray(maxMessages: number): Promise<Res[]>;
}

interface Pull<Res> {
  readonly resolve: (result: IteratorResult<Res, undefined>) => void;
  readonly reject: (error: WeirError) => void;
}

/** Where messages go that are read all at once. */
interface Collection<Res> {
  readonly messages: Res[];
  readonly maxMessages: number;
  readonly resolve: (messages: Res[]) => void;
  readonly reject: (error: WeirError) => void;
}

/**
 * The messages of an RPC as an async iterator that starts the RPC at the first `next()` and ends it at `return()`, even
 * while a `next()` is pending (an async generator would wait for it). Nobody pulls: after 16 messages ahead reading
 * stops and HTTP/2 flow control holds the service back. Messages that came before a failure are given before it; after a
 * cancellation none is.
 */
export class Reader<Res> implements Messages<Res>, RpcListener<Res> {
  readonly #host: CallHost;
  readonly #rpc: ReadableRpc<Res>;
  readonly #call: CallOptions;
  /** Aborts with the operation, or when the reader leaves. */
  readonly #stop = new AbortController();
  #hasLeft = false;
  readonly #pulls: Pull<Res>[] = [];
  #collection: Collection<Res> | undefined;
  #unlink: (() => void) | undefined;
  #started: { readonly live: LiveCall; readonly rpc: { read(): void } } | undefined;
  /** What has been read ahead. */
  readonly #ahead: Res[] = [];
  /** Whether the RPC was asked for a message that has not come yet. */
  #isReading = false;
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
    this.#openOnce();
    return new Promise((resolve, reject) => {
      this.#pulls.push({ resolve, reject });
      this.#serve();
    });
  }

  toArray(maxMessages: number): Promise<Res[]> {
    this.#openOnce();
    return new Promise((resolve, reject) => {
      this.#collection = { messages: [], maxMessages, resolve, reject };
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<Res, undefined>> {
    this.#hasLeft = true;
    this.#stop.abort();
    this.#end(undefined);
    return Promise.resolve({ value: undefined, done: true });
  }

  #openOnce(): void {
    if (this.#unlink !== undefined || this.#isOver) return;
    const { kind, path } = this.#rpc;
    const { signal } = this.#call;
    this.#unlink = onAbort(signal, () => this.#stop.abort(signal.reason));
    const call = { ...this.#call, signal: this.#stop.signal };
    openCall(
      this.#host,
      kind,
      path,
      call,
      (live) => this.#listen(live),
      (error) => this.#end(error),
    );
  }

  #listen(live: LiveCall): StartedRpc {
    const rpc = this.#rpc.start(live, this);
    this.#started = { live, rpc };
    this.#readOn();
    return rpc;
  }

  /** For the RPC. */
  message(message: Res): void {
    this.#isReading = false;
    this.#ahead.push(message);
    this.#serve();
    this.#readOn();
  }

  /** For the RPC. */
  ended(end: StatusObject): void {
    this.#end(this.#started?.live.settle(end));
  }

  #readOn(): void {
    if (this.#isReading || this.#isOver || this.#ahead.length >= maxAhead) return;
    this.#isReading = true;
    this.#started?.rpc.read();
  }

  #end(failure: WeirError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = this.#hasLeft ? undefined : failure;
    this.#unlink?.();
    this.#rpc.onOver?.();
    this.#serve();
  }

  #serve(): void {
    for (let pull = this.#pulls[0]; pull !== undefined; pull = this.#pulls[0]) {
      const message = this.#read();
      if (message === undefined && !this.#isOver) return;
      this.#pulls.shift();
      if (message !== undefined) pull.resolve({ value: message, done: false });
      else this.#finish(pull.reject, () => pull.resolve({ value: undefined, done: true }));
    }
    if (this.#collection) this.#collect(this.#collection);
  }

  #collect({ messages, maxMessages, resolve, reject }: Collection<Res>): void {
    for (let message = this.#read(); message !== undefined; message = this.#read()) messages.push(message);
    if (messages.length > maxMessages) {
      this.#collection = undefined;
      void this.return();
      reject(tooMany(this.#rpc.path, maxMessages));
    } else if (this.#isOver) {
      this.#collection = undefined;
      this.#finish(reject, () => resolve(messages));
    }
  }

  /** The next message that is there already. */
  #read(): Res | undefined {
    if (this.#stop.signal.aborted) return undefined;
    const message = this.#ahead.shift();
    this.#readOn();
    return message;
  }

  /** An iterator fails once; then it is done. */
  #finish(fail: (error: WeirError) => void, done: () => void): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) done();
    else fail(failure);
  }
}

function tooMany(path: string, maxMessages: number): WeirError {
  const cause = new Error(`Expected at most ${maxMessages} messages of ${path}, got more.`);
  return new WeirError('INTERNAL_SERVER_ERROR', { cause });
}
