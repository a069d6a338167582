import type { QueueItem } from '../realtime/queue.ts';
import type { Attached, Deliverable, Delivered, EndReason, Live, Sink } from '../realtime/sink.ts';
import type { CloseReason } from './close-codes.ts';
import type { Outlet } from './outlet.ts';
import { type EndFact, endError, endTable } from './stream-end.ts';
import { jsonFrom, type StreamOutcome, shownError } from './stream-operation.ts';
import { gapPayload, payloadFrom } from './stream-payload.ts';
import { nextFrame, nextPart, nextTail } from './ws-frame.ts';
import { messageText } from './ws-message.ts';

/** Under which name the shared part of an event's message is kept with the event. */
const encoding = 'graphql-transport-ws';

const encode = (delivered: Delivered): Buffer => nextPart(payloadFrom(delivered));

/** What an operation needs of its connection. */
export interface WsOperationOwner {
  readonly outlet: Outlet;
  /** Sends a message behind what waits. */
  readonly send: (text: string) => void;
  readonly push: (item: QueueItem<Buffer>) => void;
  readonly close: (name: CloseReason, reason: EndReason) => void;
  /** Told at the operation's end; `reason` is undefined unless it was a subscription that began. */
  readonly leave: (operation: WsOperation, reason: EndReason | undefined) => void;
}

/** One operation of a connection from `subscribe` to its end, and the sink of its events. */
export class WsOperation implements Sink {
  readonly id: string;
  readonly #connection: WsOperationOwner;
  /** That of the connection, at hand for every event. */
  readonly #outlet: Outlet;
  /** Ends every `next` message of it. */
  readonly #tail: string;
  /** Ends what runs, until there is an outcome. */
  #abort: (() => void) | undefined;
  #attached: Attached | undefined;
  #hasBegun = false;
  #isOver = false;

  constructor(connection: WsOperationOwner, id: string) {
    this.#connection = connection;
    this.#outlet = connection.outlet;
    this.id = id;
    this.#tail = nextTail(id);
  }

  /** Whether there is no answer yet, and no subscription. */
  get isRunning(): boolean {
    return this.#abort !== undefined;
  }

  /** Tells how to end what runs from now on. */
  begin(abort: () => void): void {
    this.#abort = abort;
  }

  /** Takes what came of the operation. */
  settle(outcome: StreamOutcome): void {
    this.#abort = undefined;
    if (outcome.kind === 'events') this.#attach(outcome.events);
    else if (!this.#isOver) this.#finish(outcome);
  }

  /** Ends it without a message: the client has, or its connection ends. */
  stop(reason: EndReason): void {
    if (this.#isOver) return;
    const attached = this.#attached;
    this.#abort?.();
    this.#outlet.forget(this.id);
    this.#leave(reason);
    attached?.stop(reason);
  }

  /** Tells that the subscription runs, in the payload of a ping: every client takes one, and hands it to who listens. */
  live({ cursor, recovered, reason }: Live): void {
    if (this.#isOver) return;
    this.#connection.send(messageText.ping({ subscribed: this.id, cursor, recovered, reason }));
    if (recovered === false) this.gap({ dropped: undefined, reason: reason ?? 'not recovered' });
  }

  next(delivered: Delivered): void {
    if (this.#isOver) return;
    const frame = nextFrame(delivered.frame(encoding, encode), this.#tail);
    if (this.#outlet.write(frame)) return;
    const { policy, coalesceKey } = delivered;
    const item = { frame, bytes: frame.length, stream: this.id, policy };
    this.#connection.push(coalesceKey === undefined ? item : { ...item, coalesceKey });
  }

  gap(gap: { readonly dropped: number | undefined; readonly reason: string }): void {
    if (!this.#isOver) this.#connection.send(messageText.next(this.id, gapPayload(gap)));
  }

  end(reason: EndReason, error?: Readonly<Record<string, unknown>>): void {
    if (this.#isOver) return;
    const fact: EndFact = endTable[reason];
    this.#leave(reason);
    if (fact.told === 'retry') this.#connection.close(fact.close, reason);
    else if (fact.told === 'error')
      this.#connection.send(messageText.error(this.id, [endError(reason, error)]));
    else if (fact.told === 'complete') this.#connection.send(messageText.complete(this.id));
  }

  bufferedBytes(): number {
    return this.#outlet.bufferedBytes;
  }

  onDrain(listener: () => void): void {
    this.#outlet.onDrain(listener);
  }

  #attach(events: Deliverable): void {
    this.#hasBegun = !this.#isOver;
    const attached = events.attach(this);
    // The client may have completed it before it was admitted, and the source may have ended at once.
    if (this.#isOver) attached.stop('client');
    else this.#attached = attached;
  }

  #finish(outcome: Exclude<StreamOutcome, { readonly kind: 'events' }>): void {
    this.#leave('completed');
    if (outcome.kind === 'refused')
      this.#connection.send(messageText.error(this.id, outcome.errors.map(shownError)));
    else {
      this.#connection.send(messageText.next(this.id, jsonFrom(outcome.result)));
      this.#connection.send(messageText.complete(this.id));
    }
  }

  #leave(reason: EndReason): void {
    this.#isOver = true;
    this.#attached = undefined;
    this.#connection.leave(this, this.#hasBegun ? reason : undefined);
  }
}
