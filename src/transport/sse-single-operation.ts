import type { Attached, Deliverable, Delivered, EndReason, Live, Sink } from '../realtime/sink.ts';
import type { ResponseChannel } from './response-channel.ts';
import { singleFrame, singleNext, singlePart } from './sse-single-frames.ts';
import { type EndFact, endError, endTable } from './stream-end.ts';
import { jsonFrom, refusedResult, type StreamOutcome } from './stream-operation.ts';
import { gapPayload } from './stream-payload.ts';

/** Under which name the shared part of an event is kept with it. */
const encoding = 'sse-single';

/** What an operation needs of its stream. */
export interface SingleOperationOwner {
  readonly channel: ResponseChannel;
  /** Told at the end; `reason` is undefined unless it was a subscription that began. */
  readonly leave: (operation: SseSingleOperation, reason: EndReason | undefined) => void;
  readonly onStop: (reason: EndReason, isGone: boolean) => void;
}

/** One operation of an {@link SseSingleStream}, and the sink of its events. */
export class SseSingleOperation implements Sink {
  readonly id: string;
  /** Of the message that began it. */
  readonly attempt: string;
  readonly #stream: SingleOperationOwner;
  /** Ends what runs, until there is an outcome. */
  #abort: (() => void) | undefined;
  #attached: Attached | undefined;
  #hasBegun = false;
  #isOver = false;

  constructor(
    stream: SingleOperationOwner,
    { id, attempt }: { readonly id: string; readonly attempt: string },
    abort: () => void,
  ) {
    this.#stream = stream;
    this.id = id;
    this.attempt = attempt;
    this.#abort = abort;
  }

  /** Whether there is no answer yet, and no subscription. */
  get isRunning(): boolean {
    return this.#abort !== undefined;
  }

  settle(outcome: StreamOutcome): void {
    this.#abort = undefined;
    if (outcome.kind === 'events') this.#attach(outcome.events);
    else if (!this.#isOver) {
      const result = outcome.kind === 'result' ? outcome.result : refusedResult(outcome);
      this.#send(singleFrame.next(this.id, jsonFrom(result)));
      this.end('completed');
    }
  }

  /** Ends it without an event. */
  stop(reason: EndReason): void {
    if (this.#isOver) return;
    const attached = this.#attached;
    this.#abort?.();
    this.#stream.channel.outlet.forget(this.id);
    this.#leave(reason);
    attached?.stop(reason);
  }

  /** Ends it with the error of `reason`. */
  deny(reason: EndReason): void {
    if (this.#isOver) return;
    const attached = this.#attached;
    this.#abort?.();
    this.#stream.channel.outlet.forget(this.id);
    this.end(reason);
    attached?.stop(reason);
  }

  live(live: Live): void {
    if (this.#isOver) return;
    // Before the new position: a client that is cut off between the two must hear of the loss again.
    if (live.recovered === false) this.gap({ dropped: undefined, reason: live.reason ?? 'not recovered' });
    this.#send(singleFrame.live(this.id, live));
  }

  next(delivered: Delivered): void {
    if (this.#isOver) return;
    const frame = singleNext(delivered.frame(encoding, singlePart), this.id);
    const { policy, coalesceKey } = delivered;
    const item = { frame, bytes: frame.length, stream: this.id, policy };
    this.#stream.channel.push(coalesceKey === undefined ? item : { ...item, coalesceKey });
  }

  gap(gap: { readonly dropped: number | undefined; readonly reason: string }): void {
    if (!this.#isOver) this.#send(singleFrame.next(this.id, gapPayload(gap)));
  }

  end(reason: EndReason, error?: Readonly<Record<string, unknown>>): void {
    if (this.#isOver) return;
    const fact: EndFact = endTable[reason];
    this.#leave(reason);
    if (fact.told === 'retry') this.#stream.onStop(reason, false);
    if (fact.told === 'error') {
      const shown = JSON.stringify({ errors: [endError(reason, error)] });
      this.#send(singleFrame.next(this.id, shown));
    }
    if (fact.told === 'error' || fact.told === 'complete') this.#send(singleFrame.complete(this.id));
  }

  bufferedBytes(): number {
    return this.#stream.channel.outlet.bufferedBytes;
  }

  onDrain(listener: () => void): void {
    this.#stream.channel.outlet.onDrain(listener);
  }

  #attach(events: Deliverable): void {
    this.#hasBegun = !this.#isOver;
    const attached = events.attach(this);
    // The client may have ended it before it was admitted, and the source may have ended at once.
    if (this.#isOver) attached.stop('client');
    else this.#attached = attached;
  }

  #send(text: string): void {
    const frame = Buffer.from(text);
    // Of no subscription in the queue: what is told last is told after its end.
    this.#stream.channel.push({ frame, bytes: frame.length, stream: '', policy: 'disconnect' });
  }

  #leave(reason: EndReason): void {
    this.#isOver = true;
    this.#attached = undefined;
    this.#stream.leave(this, this.#hasBegun ? reason : undefined);
  }
}
