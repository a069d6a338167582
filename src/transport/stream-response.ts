import type { ServerResponse } from 'node:http';
import type { Principal } from '../identity/principal.ts';
import type { Attached, Deliverable, Delivered, EndReason, Live, Sink } from '../realtime/sink.ts';
import type { Outlet } from './outlet.ts';
import { type ChannelOwner, ResponseChannel } from './response-channel.ts';
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

/** The one subscription of the connection, in its queue. */
const onlyStream = '';

/** One subscription in the body of one answer: distinct SSE and multipart differ by their encoding alone. */
export class StreamResponse implements Sink, ChannelOwner {
  readonly #parts: StreamParts;
  readonly #encoding: StreamEncoding;
  readonly #channel: ResponseChannel;
  /** That of the channel, at hand for every event. */
  readonly #outlet: Outlet;
  #attached: Attached | undefined;
  #hasBegun = false;
  #isOver = false;

  constructor(parts: StreamParts, { response, principal, encoding }: StreamResponseOptions) {
    this.#parts = parts;
    this.#encoding = encoding;
    this.#channel = new ResponseChannel(parts, { response, principal, form: encoding }, this);
    this.#outlet = this.#channel.outlet;
  }

  /** Begins the events of a subscription. */
  attach(events: Deliverable): void {
    this.#hasBegun = true;
    const attached = events.attach(this);
    if (this.#isOver) attached.stop('client');
    else this.#attached = attached;
  }

  /** Writes the one result of a query, a mutation or a refusal, and ends. */
  finish(json: string): void {
    this.#send(this.#encoding.next(json));
    this.end('completed');
  }

  live(live: Live): void {
    // Before the new position: a client that is cut off between the two must hear of the loss again.
    if (live.recovered === false) this.gap({ dropped: undefined, reason: live.reason ?? 'not recovered' });
    this.#send(this.#encoding.live(live));
  }

  next(delivered: Delivered): void {
    if (this.#isOver) return;
    const frame = delivered.frame(this.#encoding.transport, this.#encoding.frame);
    if (this.#outlet.write(frame)) return;
    const { policy, coalesceKey } = delivered;
    const item = { frame, bytes: frame.length, stream: onlyStream, policy };
    this.#channel.push(coalesceKey === undefined ? item : { ...item, coalesceKey });
  }

  gap(gap: { readonly dropped: number | undefined; readonly reason: string }): void {
    this.#send(this.#encoding.next(gapPayload(gap)));
  }

  gapFrame(): Buffer {
    return Buffer.from(this.#encoding.next(gapPayload({ dropped: undefined, reason: 'slow' })));
  }

  end(reason: EndReason, error?: Readonly<Record<string, unknown>>): void {
    if (this.#isOver) return;
    this.#leave(reason);
    const shown = endTable[reason].told === 'complete' ? undefined : endError(reason, error);
    const retryMs = this.#channel.retryMs();
    this.#channel.end(this.#encoding.end(reason, shown, { retryMs }), reason);
  }

  bufferedBytes(): number {
    return this.#outlet.bufferedBytes;
  }

  onDrain(listener: () => void): void {
    this.#outlet.onDrain(listener);
  }

  onStop(reason: EndReason, isGone: boolean): void {
    if (this.#isOver) return;
    const attached = this.#attached;
    if (isGone) this.#leave(reason);
    else this.end(reason);
    attached?.stop(reason);
  }

  #send(text: string): void {
    if (this.#isOver) return;
    const frame = Buffer.from(text);
    this.#channel.push({ frame, bytes: frame.length, stream: onlyStream, policy: 'disconnect' });
  }

  #leave(reason: EndReason): void {
    this.#isOver = true;
    this.#attached = undefined;
    if (this.#hasBegun) this.#parts.onSubscriptionEnd({ reason, transport: this.#encoding.transport });
  }
}
