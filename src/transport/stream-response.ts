import type { ServerResponse } from 'node:http';
import type { Principal } from '../identity/principal.ts';
import type { Attached, Delivered, EndReason, Live, Sink } from '../realtime/sink.ts';
import { goodForMs } from './connection-identity.ts';
import type { Timed } from './connection-wheel.ts';
import type { LongConnection } from './connections.ts';
import { Outlet, type OutletOwner } from './outlet.ts';
import type { StreamEncoding } from './stream-encoding.ts';
import { endError, endTable } from './stream-end.ts';
import type { StreamParts } from './stream-parts.ts';
import { gapPayload } from './stream-payload.ts';

/** Of which answer, for whom, and how it is written. */
export interface StreamResponseOptions {
  readonly response: ServerResponse;
  readonly principal: Principal;
  readonly encoding: StreamEncoding;
}

/** Headers of an answer that goes on: nobody on its way may keep, transform or collect it. */
const streamHeaders = {
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
} as const;

/** Milliseconds after which a client that is sent away comes back: spread, and within what clients retry anyway. */
const retryMs = { least: 1000, most: 6000 } as const;

/** Milliseconds that a client has to read the end. */
const lingerMs = 5000;

/** The one subscription of the connection, in its queue. */
const onlyStream = '';

/** One subscription in the body of one answer: distinct SSE and multipart differ by their encoding alone. */
export class StreamResponse implements Sink, Timed, LongConnection, OutletOwner {
  slot = -1;
  readonly #parts: StreamParts;
  readonly #response: ServerResponse;
  readonly #principal: Principal;
  readonly #encoding: StreamEncoding;
  readonly #outlet: Outlet;
  #attached: Attached | undefined;
  #hasBegun = false;
  #isOver = false;
  /** Bytes that had left the process at the last heartbeat. */
  #takenBytes = -1;

  constructor(parts: StreamParts, { response, principal, encoding }: StreamResponseOptions) {
    this.#parts = parts;
    this.#response = response;
    this.#principal = principal;
    this.#encoding = encoding;
    this.#outlet = new Outlet(response, this, parts.limits.bufferMaxBytes);
    openStream(response, encoding);
    parts.connections.open.add(this);
    response.once('close', () => this.#onClose());
    this.#schedule();
  }

  /** Begins the events of a subscription. */
  attach(attach: (sink: Sink) => Attached): void {
    this.#hasBegun = true;
    const attached = attach(this);
    if (this.#isOver) attached.stop('client');
    else this.#attached = attached;
  }

  /** Writes the one result of a query, a mutation or a refusal, and ends. */
  finish(json: string): void {
    if (this.#isOver) return;
    this.#send(this.#encoding.next(json));
    this.end('completed');
  }

  live(live: Live): void {
    if (this.#isOver) return;
    this.#send(this.#encoding.live(live));
    if (live.recovered === false) this.gap({ dropped: undefined, reason: live.reason ?? 'not recovered' });
  }

  next(delivered: Delivered): void {
    if (this.#isOver) return;
    const frame = delivered.frame(this.#encoding.transport, this.#encoding.frame);
    const { policy, coalesceKey } = delivered;
    const item = { frame, bytes: frame.length, stream: onlyStream, policy };
    const outcome = this.#outlet.push(coalesceKey === undefined ? item : { ...item, coalesceKey });
    if (outcome === 'overflow') this.#stop('slow');
  }

  gap(gap: { readonly dropped: number | undefined; readonly reason: string }): void {
    if (!this.#isOver) this.#send(this.#encoding.next(gapPayload(gap)));
  }

  gapFrame(): Buffer {
    return Buffer.from(this.#encoding.next(gapPayload({ dropped: undefined, reason: 'slow' })));
  }

  end(reason: EndReason, error?: Readonly<Record<string, unknown>>): void {
    if (this.#isOver) return;
    this.#leave(reason);
    const shown = endTable[reason].told === 'complete' ? undefined : endError(reason, error);
    const spreadMs = retryMs.least + this.#parts.random() * (retryMs.most - retryMs.least);
    // What waits for a client that is slow is what it comes back for.
    if (reason !== 'slow') this.#outlet.flush();
    this.#response.end(this.#encoding.end(reason, shown, { retryMs: spreadMs }));
    this.#parts.wheel.schedule(this, lingerMs);
  }

  bufferedBytes(): number {
    return this.#outlet.bufferedBytes;
  }

  onDrain(listener: () => void): void {
    this.#outlet.onDrain(listener);
  }

  drain(): void {
    this.#stop('drain');
  }

  destroy(): void {
    this.#response.destroy();
  }

  /** The next heartbeat is due, or the token has expired; see {@link Timed}. */
  onTime(): void {
    if (this.#isOver) this.destroy();
    else if (goodForMs(this.#principal, this.#parts.clock.wallMs()) <= 0) this.#stop('expired');
    else if (this.#isStalled()) this.#cutOff();
    else {
      // What waits already says that we are here.
      if (!this.#response.writableNeedDrain) this.#response.write(this.#encoding.heartbeat);
      this.#schedule();
    }
  }

  /** Whether something waits to leave, and nothing has left since the last heartbeat. */
  #isStalled(): boolean {
    const { socket, writableNeedDrain } = this.#response;
    const takenBytes = (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0);
    const isStalled = writableNeedDrain && takenBytes === this.#takenBytes;
    this.#takenBytes = takenBytes;
    return isStalled;
  }

  #cutOff(): void {
    this.#stopSilently('slow');
    this.destroy();
  }

  #schedule(): void {
    const { clock, limits, wheel } = this.#parts;
    const goodMs = Math.max(0, goodForMs(this.#principal, clock.wallMs()));
    wheel.schedule(this, Math.min(limits.heartbeatMs, goodMs));
  }

  #send(text: string): void {
    const frame = Buffer.from(text);
    const item = { frame, bytes: frame.length, stream: onlyStream, policy: 'disconnect' } as const;
    if (this.#outlet.push(item) === 'overflow') this.#stop('slow');
  }

  /** Ends the subscription from here, and tells the client. */
  #stop(reason: EndReason): void {
    const attached = this.#attached;
    this.end(reason);
    attached?.stop(reason);
  }

  #stopSilently(reason: EndReason): void {
    const attached = this.#attached;
    if (!this.#isOver) this.#leave(reason);
    attached?.stop(reason);
  }

  #onClose(): void {
    this.#stopSilently('client');
    const { connections, wheel } = this.#parts;
    wheel.cancel(this);
    connections.open.delete(this);
    connections.release(this.#principal);
    this.#outlet.close();
  }

  #leave(reason: EndReason): void {
    this.#isOver = true;
    this.#attached = undefined;
    this.#parts.wheel.cancel(this);
    if (this.#hasBegun) this.#parts.onSubscriptionEnd({ reason, transport: this.#encoding.transport });
  }
}

function openStream(response: ServerResponse, { contentType, opening }: StreamEncoding): void {
  // The body ends with the connection, so that a frame is written and shared as it is, without a chunk around it.
  response.removeHeader('transfer-encoding');
  response.writeHead(200, { ...streamHeaders, 'content-type': contentType });
  response.write(opening);
}
