import type { Writable } from 'node:stream';
import { type PushOutcome, type QueueItem, SendQueue } from '../realtime/queue.ts';
import type { WriteTurn } from './write-turn.ts';

/** What an outlet needs of its connection. */
export interface OutletOwner {
  /** The frame in place of events of one subscription that were dropped. */
  readonly gapFrame: (subscription: string) => Buffer;
}

/** What the outlets of all connections share. */
export interface OutletShared {
  readonly writes: WriteTurn;
  readonly limits: { readonly bufferMaxBytes: number };
}

/**
 * The way out to one client: straight into the connection while that takes what it is given, and into a bounded queue
 * while it does not. An idle one holds neither queue nor listener.
 */
export class Outlet {
  readonly #stream: Writable;
  readonly #owner: OutletOwner;
  readonly #shared: OutletShared;
  #queue: SendQueue<Buffer> | undefined;
  #listeners: (() => void)[] | undefined;
  #isWaiting = false;
  #writtenBytes = 0;

  constructor(stream: Writable, owner: OutletOwner, shared: OutletShared) {
    this.#stream = stream;
    this.#owner = owner;
    this.#shared = shared;
  }

  /** Bytes that have left the process since it was made: what an HTTP/2 connection counts is of all its streams. */
  get leftBytes(): number {
    return this.#writtenBytes - this.#stream.writableLength;
  }

  /** Bytes that were given to it and have not left the process. */
  get bufferedBytes(): number {
    return this.#stream.writableLength + (this.#queue?.bytes ?? 0);
  }

  /** Sends a frame in its turn, or treats it by its policy when there is no room: see {@link SendQueue}. */
  push(item: QueueItem<Buffer>): PushOutcome {
    if (this.write(item.frame)) return 'queued';
    this.#queue ??= new SendQueue({
      maxBytes: this.#shared.limits.bufferMaxBytes,
      bufferedBytes: () => this.#stream.writableLength,
      gapMarker: (subscription) => {
        const frame = this.#owner.gapFrame(subscription);
        return { frame, bytes: frame.length };
      },
    });
    this.#awaitDrain();
    return this.#queue.push(item);
  }

  /** Sends a frame now; false when it has to wait, and then nothing is done. */
  write(frame: Buffer): boolean {
    const stream = this.#stream;
    if (this.#queue !== undefined || stream.writableNeedDrain) return false;
    this.#shared.writes.hold(stream);
    this.#give(frame);
    return true;
  }

  /** Sends what is of no use later, such as a heartbeat, past what waits; bounded by who calls. */
  writeNow(frame: Buffer | string): void {
    this.#give(frame);
  }

  /** Lets go of what waits for one subscription. */
  forget(subscription: string): void {
    this.#queue?.forget(subscription);
  }

  /** Gives all that waits to the connection, whose end must not cut it off: at most what the bound allows. */
  flush(): void {
    for (let frame = this.#queue?.shift(); frame; frame = this.#queue?.shift()) this.#give(frame);
    this.#queue = undefined;
  }

  /** Calls back once: when nothing waits any more, or nothing ever will. */
  onDrain(listener: () => void): void {
    if (this.#queue === undefined && !this.#stream.writableNeedDrain) {
      queueMicrotask(listener);
      return;
    }
    this.#listeners ??= [];
    this.#listeners.push(listener);
    this.#awaitDrain();
  }

  /** The connection is over, so a drain may never come. */
  close(): void {
    this.#queue = undefined;
    this.#notify();
  }

  /** Text is ASCII. */
  #give(frame: Buffer | string): void {
    this.#writtenBytes += frame.length;
    this.#stream.write(frame);
  }

  #awaitDrain(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#stream.once('drain', () => this.#drained());
  }

  #drained(): void {
    this.#isWaiting = false;
    while (!this.#stream.writableNeedDrain) {
      const frame = this.#queue?.shift();
      if (frame === undefined) break;
      this.#give(frame);
    }
    if (this.#queue?.length === 0) this.#queue = undefined;
    if (this.#stream.writableNeedDrain) this.#awaitDrain();
    else this.#notify();
  }

  #notify(): void {
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) listener();
  }
}
