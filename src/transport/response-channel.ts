import type { ServerResponse } from 'node:http';
import { Http2ServerResponse } from 'node:http2';
import type { Writable } from 'node:stream';
import type { Principal } from '../identity/principal.ts';
import type { QueueItem } from '../realtime/queue.ts';
import type { EndReason } from '../realtime/sink.ts';
import { goodForMs } from './connection-identity.ts';
import type { Timed } from './connection-wheel.ts';
import type { LongConnection } from './connections.ts';
import { Outlet, type OutletOwner } from './outlet.ts';
import { retryDelayMs } from './retry-delay.ts';
import { rotationTime } from './rotation.ts';
import type { StreamParts } from './stream-parts.ts';
import { peerName } from './tcp-table.ts';

/** How the answer looks that goes on. */
export interface ChannelForm {
  /** Value of `Content-Type`. */
  readonly contentType: string;
  /** Written before all else. */
  readonly opening: string;
  /** Written when nothing else was for a while. */
  readonly heartbeat: string;
  /** Whether its clients come back by themselves after an end, so that it may be ended because of its age. */
  readonly comesBack: boolean;
}

/** What stands in a channel. */
export interface ChannelOwner extends OutletOwner {
  /**
   * The channel has to end, and the owner ends what stands in it, and then the channel by {@link ResponseChannel.end};
   * or is over already, for `client` and for a reader that takes nothing.
   */
  readonly onStop: (reason: EndReason, isGone: boolean) => void;
}

/** Headers of an answer that goes on: nobody on its way may keep, transform or collect it. */
const streamHeaders = {
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
  // Node would else say that it is kept alive, and nobody could tell where a body without a length ends (RFC 9112 section 6.3).
  connection: 'close',
} as const;

/** Milliseconds that a client has to read the end. */
const lingerMs = 5000;

/**
 * The body of one answer that goes on: its heartbeats, the expiry of its principal, its bounded way out and its end. What
 * is written in it is its owner's.
 */
export class ResponseChannel implements Timed, LongConnection {
  slot = -1;
  readonly outlet: Outlet;
  readonly #parts: StreamParts;
  readonly #response: ServerResponse;
  readonly #stream: Writable;
  readonly #owner: ChannelOwner;
  readonly #heartbeat: string;
  #principal: Principal;
  #isEnded = false;
  /** When it has been here for long enough. */
  #rotateMs: number;
  /** Bytes that had left the process at the last heartbeat. */
  #takenBytes = -1;

  /** The principal has been counted, see {@link Connections.claim}; the channel gives that back. */
  constructor(
    parts: StreamParts,
    { response, principal, form }: { response: ServerResponse; principal: Principal; form: ChannelForm },
    owner: ChannelOwner,
  ) {
    this.#parts = parts;
    this.#response = response;
    this.#owner = owner;
    this.#heartbeat = form.heartbeat;
    this.#principal = principal;
    this.#rotateMs = form.comesBack ? rotationTime(parts) : Number.POSITIVE_INFINITY;
    openStream(response, form);
    // Past the response, which has nothing to add to a frame; it has no socket yet behind an unanswered request.
    this.#stream = streamOf(response);
    this.outlet = new Outlet(this.#stream, owner, parts);
    parts.connections.open.add(this);
    response.once('close', () => this.#onClose());
    parts.peers.watch();
    this.#schedule();
  }

  get peer(): string {
    return peerName(this.#response.socket ?? {});
  }

  get principal(): Principal {
    return this.#principal;
  }

  /** Takes a newer token of the same principal. */
  refresh(principal: Principal): void {
    this.#principal = principal;
    if (!this.#isEnded) this.#schedule();
  }

  /** Sends a frame in its turn, by its policy. */
  push(item: QueueItem<Buffer>): void {
    if (this.#isEnded) return;
    if (this.outlet.push(item) === 'overflow') this.#owner.onStop('slow', false);
  }

  /** Writes the last there is, behind what waits, and ends. Idempotent. */
  end(last: string, reason: EndReason): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    // What waits for who reads too slowly is what it comes back for.
    if (reason === 'slow') this.outlet.close();
    else this.outlet.flush();
    this.#response.end(last);
    this.#parts.wheel.schedule(this, lingerMs);
  }

  /** See {@link retryDelayMs}. */
  retryMs(): number {
    return retryDelayMs(this.#parts.random);
  }

  drain(): void {
    if (!this.#isEnded) this.#owner.onStop('drain', false);
  }

  endIfRevoked(): boolean {
    if (this.#isEnded || !this.#parts.isRevoked(this.#principal)) return false;
    this.#owner.onStop('revoked', false);
    return true;
  }

  destroy(): void {
    this.#response.destroy();
  }

  /** The next heartbeat is due, the token has expired, or the client did not read the end; see {@link Timed}. */
  onTime(): void {
    const { clock } = this.#parts;
    if (this.#isEnded) this.destroy();
    else if (this.endIfRevoked()) return;
    else if (goodForMs(this.#principal, clock.wallMs()) <= 0) this.#owner.onStop('expired', false);
    else if (clock.nowMs() >= this.#rotateMs) this.#rotate();
    else if (this.#isStalled()) {
      this.#owner.onStop('slow', true);
      this.destroy();
    } else {
      // What waits already says that we are here.
      if (!this.#stream.writableNeedDrain) this.outlet.writeNow(this.#heartbeat);
      this.#schedule();
    }
  }

  #rotate(): void {
    this.#rotateMs = Number.POSITIVE_INFINITY;
    this.#owner.onStop('rotated', false);
    if (!this.#isEnded) this.#schedule();
  }

  /** Whether something waits to leave, and nothing has left since the last heartbeat. */
  #isStalled(): boolean {
    const takenBytes = this.outlet.leftBytes;
    const isStalled = this.#stream.writableNeedDrain && takenBytes === this.#takenBytes;
    this.#takenBytes = takenBytes;
    return isStalled;
  }

  #schedule(): void {
    const { clock, limits, wheel } = this.#parts;
    // It may have been revoked after it was looked at, and before this was one of the connections that are looked through.
    const isGood = !this.#parts.isRevoked(this.#principal);
    const goodMs = isGood ? Math.max(0, goodForMs(this.#principal, clock.wallMs())) : 0;
    const restMs = Math.max(0, this.#rotateMs - clock.nowMs());
    wheel.schedule(this, Math.min(limits.heartbeatMs, goodMs, restMs));
  }

  #onClose(): void {
    const { connections, wheel } = this.#parts;
    this.#isEnded = true;
    wheel.cancel(this);
    this.#owner.onStop('client', true);
    connections.open.delete(this);
    connections.release(this.#principal);
    this.outlet.close();
  }
}

/** The stream of HTTP/2, or the whole connection of HTTP/1.1. */
function streamOf(response: ServerResponse): Writable {
  if (response instanceof Http2ServerResponse) return response.stream;
  return response.socket ?? response;
}

function openStream(response: ServerResponse, { contentType, opening }: ChannelForm): void {
  // The body ends with the connection, so that a frame is written and shared as it is, without a chunk around it.
  response.removeHeader('transfer-encoding');
  response.writeHead(200, { ...streamHeaders, 'content-type': contentType });
  // Alone, since the head is kept with the answer: as one string, and not as the thirty that it is put together from.
  response.flushHeaders();
  response.write(opening);
}
