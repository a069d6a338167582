import type { Client, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import type { WeirError } from '../errors.ts';
import type { CallHost } from './call-host.ts';
import type { Channel } from './channel.ts';
import type { GrpcCode } from './grpc-code.ts';
import type { Pool } from './pool.ts';
import { grpcCodeFrom, upstreamError } from './status.ts';

/** What a {@link LiveCall} is made of. */
export interface LiveCallParts {
  readonly host: CallHost;
  readonly method: string;
  readonly pool: Pool;
  /** Entered already; the call leaves it. */
  readonly channel: Channel;
  readonly metadata: Metadata;
  readonly timeoutMs: number;
  readonly record: (code: GrpcCode) => void;
}

/**
 * A call that has its place on a connection, from there to its end. A class, because one is made per call on the
 * hottest path: its methods are shared.
 */
export class LiveCall {
  readonly client: Client;
  readonly metadata: Metadata;
  /** For grpc-js, which reads the wall clock. */
  readonly options: { readonly deadline: number };
  readonly #parts: LiveCallParts;
  #rpc: ClientUnaryCall | undefined;
  #headers: Metadata | undefined;
  #cancelled: WeirError | undefined;
  #unlink: (() => void) | undefined;
  #isSettled = false;

  constructor(parts: LiveCallParts) {
    this.#parts = parts;
    this.client = parts.channel.client;
    this.metadata = parts.metadata;
    this.options = { deadline: Math.floor(parts.host.clock.wallMs() + parts.timeoutMs) };
    parts.host.active.add(this);
  }

  /** Takes the started RPC in hand. `unlink` is called at the call's end. */
  attach(rpc: ClientUnaryCall, unlink: () => void): void {
    this.#rpc = rpc;
    this.#unlink = unlink;
    rpc.on('metadata', (headers) => {
      this.#headers = headers;
    });
    // The signal may have aborted while the RPC was made.
    if (this.#cancelled !== undefined) rpc.cancel();
  }

  /** Ends the RPC from our side; its error will be `reason`. Does nothing after its end. */
  cancel(reason: WeirError): void {
    if (this.#isSettled) return;
    this.#cancelled ??= reason;
    this.#rpc?.cancel();
  }

  /** To be called with the RPC's end: frees and records it, once. Gives the coded error of a failure. */
  settle(error: ServiceError | null): WeirError | undefined {
    if (this.#isSettled) return this.#cancelled;
    this.#isSettled = true;
    const { host, method, pool, channel, record } = this.#parts;
    this.#unlink?.();
    host.active.delete(this);
    pool.leave(channel);
    record(error === null ? 'OK' : grpcCodeFrom(error.code));
    if (error === null) return undefined;
    const unsent = this.#rpc?.getPeer() === this.client.getChannel().getTarget();
    const facts = { upstream: host.name, method, error, headers: this.#headers, unsent };
    return this.#cancelled ?? upstreamError(facts, host.statuses);
  }
}
