/** What becomes of an item that does not fit: see {@link SendQueue}. */
export type OverflowPolicy = 'latest' | 'dropOldest' | 'disconnect';

/** One item that waits to be sent. */
export interface QueueItem<Frame> {
  readonly frame: Frame;
  /** What the frame weighs, 0 or more. */
  readonly bytes: number;
  /** The stream it belongs to, mostly a subscription: items of other streams are never dropped for it. */
  readonly stream: string;
  readonly policy: OverflowPolicy;
  /** `latest` only: what a newer item with the same key replaces. Default: the stream. */
  readonly coalesceKey?: string;
}

/**
 * What became of an item. `replaced`: an older one of its key gave way. `dropped`: oldest ones of its stream gave way, or it
 * did itself, and a gap marker tells so. `overflow`: it was not taken and the connection has to end, retryably.
 */
export type PushOutcome = 'queued' | 'replaced' | 'dropped' | 'overflow';

/** What a queue is made of. */
export interface SendQueueOptions<Frame> {
  /** Most bytes that wait, from 1. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Bytes that have left the queue but not the process, as `bufferedAmount` or `writableLength` tell. Default 0. */
  readonly bufferedBytes?: () => number;
  /** The item that tells a stream's reader that some of its events are missing here: one for all drops in a row. */
  readonly gapMarker: (stream: string) => Pick<QueueItem<Frame>, 'frame' | 'bytes'>;
  /** Nothing waits any more after something was dropped or not taken. */
  readonly onDrain?: () => void;
}

const defaultMaxBytes = 1024 * 1024;

/** Where an item stands: turns grow, and the queue is in order of them. */
type Turn = number;

/** What the queue knows of one stream. */
interface Stream {
  /** Turns of its items, without the gap marker. */
  readonly items: Set<Turn>;
  readonly turnByKey: Map<string, Turn>;
  /** Where its gap marker stands, if one waits. */
  gap: Turn | undefined;
}

/**
 * Frames of one connection that wait for its socket, in order, bounded by bytes and not by count.
 * At the bound: `latest` items replace the waiting one of their key, which keeps its turn (that happens below the bound
 * too); `dropOldest` items push out the oldest of their stream and leave a gap marker there; `disconnect` items, and
 * `latest` ones that find no room, answer `overflow`. Two things pass the bound: an item when nothing waits at all, and
 * the gap markers, one for each stream.
 */
export class SendQueue<Frame> {
  readonly #options: SendQueueOptions<Frame>;
  readonly #maxBytes: number;
  // A Map keeps the order of insertion, takes from anywhere in O(1), and leaves a replaced item its place.
  readonly #waiting = new Map<Turn, QueueItem<Frame>>();
  readonly #streams = new Map<string, Stream>();
  #bytes = 0;
  #lastTurn: Turn = 0;
  #hasRefused = false;

  constructor(options: SendQueueOptions<Frame>) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? defaultMaxBytes;
  }

  /** Bytes that wait here, without `bufferedBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Items and gap markers that wait. */
  get length(): number {
    return this.#waiting.size;
  }

  push(item: QueueItem<Frame>): PushOutcome {
    const replaced = item.policy === 'latest' ? this.#replace(item) : undefined;
    if (replaced !== undefined) return replaced;
    if (this.#fits(item)) return this.#enqueue(item);
    this.#hasRefused = true;
    return item.policy === 'dropOldest' ? this.#dropFor(item) : 'overflow';
  }

  /** The next frame to write. */
  shift(): Frame | undefined {
    const [next] = this.#waiting.keys();
    if (next === undefined) return undefined;
    const item = this.#remove(next);
    if (this.#waiting.size === 0 && this.#hasRefused) {
      this.#hasRefused = false;
      this.#options.onDrain?.();
    }
    return item?.frame;
  }

  /** Lets go of what waits for one stream: its subscription has ended. */
  forget(name: string): void {
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    const { gap } = stream;
    for (const turn of [...stream.items]) this.#remove(turn);
    if (gap !== undefined) this.#remove(gap);
  }

  #fits(item: QueueItem<Frame>, replacedBytes = 0): boolean {
    const ahead = this.#bytes - replacedBytes + (this.#options.bufferedBytes?.() ?? 0);
    return ahead === 0 || ahead + item.bytes <= this.#maxBytes;
  }

  #enqueue(item: QueueItem<Frame>): PushOutcome {
    const stream = this.#streamOf(item.stream);
    const turn = this.#append(item);
    stream.items.add(turn);
    if (item.policy === 'latest') stream.turnByKey.set(keyOf(item), turn);
    return 'queued';
  }

  #replace(item: QueueItem<Frame>): PushOutcome | undefined {
    const turn = this.#streams.get(item.stream)?.turnByKey.get(keyOf(item));
    const replaced = turn === undefined ? undefined : this.#waiting.get(turn);
    if (turn === undefined || replaced === undefined || !this.#fits(item, replaced.bytes)) return undefined;
    this.#put(turn, item);
    return 'replaced';
  }

  /** The marker takes the place of the first that is dropped: whatever is dropped later stood behind it. */
  #dropFor(item: QueueItem<Frame>): PushOutcome {
    const stream = this.#streamOf(item.stream);
    const marker = { ...this.#options.gapMarker(item.stream), stream: item.stream, policy: item.policy };
    for (const turn of stream.items) {
      if (this.#fits(item)) break;
      if (stream.gap === undefined) {
        stream.items.delete(turn);
        this.#put(turn, marker);
        stream.gap = turn;
      } else this.#remove(turn);
    }
    stream.gap ??= this.#append(marker);
    if (this.#fits(item)) this.#enqueue(item);
    return 'dropped';
  }

  #append(item: QueueItem<Frame>): Turn {
    this.#lastTurn += 1;
    this.#put(this.#lastTurn, item);
    return this.#lastTurn;
  }

  #put(turn: Turn, item: QueueItem<Frame>): void {
    this.#bytes += item.bytes - (this.#waiting.get(turn)?.bytes ?? 0);
    this.#waiting.set(turn, item);
  }

  /** Takes the item of a turn out of the books; a stream of which nothing waits is forgotten. */
  #remove(turn: Turn): QueueItem<Frame> | undefined {
    const item = this.#waiting.get(turn);
    const stream = item === undefined ? undefined : this.#streams.get(item.stream);
    if (item === undefined || stream === undefined) return undefined;
    this.#waiting.delete(turn);
    this.#bytes -= item.bytes;
    stream.items.delete(turn);
    if (stream.gap === turn) stream.gap = undefined;
    if (stream.turnByKey.get(keyOf(item)) === turn) stream.turnByKey.delete(keyOf(item));
    if (stream.items.size === 0 && stream.gap === undefined) this.#streams.delete(item.stream);
    return item;
  }

  #streamOf(name: string): Stream {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const stream: Stream = { items: new Set(), turnByKey: new Map(), gap: undefined };
    this.#streams.set(name, stream);
    return stream;
  }
}

function keyOf<Frame>({ coalesceKey, stream }: QueueItem<Frame>): string {
  return coalesceKey ?? stream;
}
