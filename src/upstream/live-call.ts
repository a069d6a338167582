import { type ChannelInterface, type Metadata, type StatusObject, status } from '@grpc/grpc-js';
import type { WeirError } from '../errors.ts';
import type { CallHost } from './call-host.ts';
import type { Channel } from './channel.ts';
import type { GrpcCode } from './grpc-code.ts';
import type { Pool } from './pool.ts';
import type { RpcPlace } from './rpc.ts';
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

/** The part of an RPC that a call is ended by. */
export interface StartedRpc {
  readonly headers: Metadata | undefined;
  cancel(): void;
  getPeer(): string;
}

/**
 * A call that has its place on a connection, from there to its end. A class, because one is made per call on the
 * hottest path: its methods are shared.
 */
export class LiveCall implements RpcPlace {
  readonly channel: ChannelInterface;
  readonly metadata: Metadata;
  readonly deadline: number;
  readonly #parts: LiveCallParts;
  #rpc: StartedRpc | undefined;
  #cancelled: WeirError | undefined;
  #unlink: (() => void) | undefined;
  #isSettled = false;

  constructor(parts: LiveCallParts) {
    this.#parts = parts;
    this.channel = parts.channel.client.getChannel();
    this.metadata = parts.metadata;
    this.deadline = Math.floor(parts.host.clock.wallMs() + parts.timeoutMs);
    parts.host.active.add(this);
  }

  /** Takes the started RPC in hand. `unlink` is called at the call's end. */
  attach(rpc: StartedRpc, unlink: () => void): void {
    this.#rpc = rpc;
    this.#unlink = unlink;
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
  settle({ code, details, metadata }: StatusObject): WeirError | undefined {
    if (this.#isSettled) return this.#cancelled;
    this.#isSettled = true;
    const { host, method, pool, channel, record } = this.#parts;
    this.#unlink?.();
    host.active.delete(this);
    pool.leave(channel);
    record(code === status.OK ? 'OK' : grpcCodeFrom(code));
    if (code === status.OK) return undefined;
    if (this.#cancelled) return this.#cancelled;
    const unsent = this.#rpc?.getPeer() === this.channel.getTarget();
    const error = Object.assign(new Error(`${code} ${status[code]}: ${details}`), {
      code,
      details,
      metadata,
    });
    return upstreamError(
      { upstream: host.name, method, error, headers: this.#rpc?.headers, unsent },
      host.statuses,
    );
  }
}
