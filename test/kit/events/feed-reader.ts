import { openSubscriber, type RawSubscriber, type SubscriberOptions } from './raw-subscriber.ts';

/** What a reader was given, by the numbers of the events: in order and whole when all but `count` are 0. */
export interface FeedLedger {
  readonly count: number;
  readonly lost: number;
  /** Came again, or came late. */
  readonly repeated: number;
  /** Gaps that the server told of. */
  readonly gaps: number;
}

/** How a connection ended. */
export interface FeedEnd {
  /** Of the close frame; undefined for none and for event streams. */
  readonly closeCode: number | undefined;
  /** Whether its client was told that there is nothing more to come. */
  readonly isComplete: boolean;
}

/** What a message of each transport has: one group each for its number and its cursor. */
const patterns = {
  ws: /"number":(?<number>\d+),"text":"[^"]*"\}\},"extensions":\{"cursor":"(?<cursor>[^"]+)"|"gap":/g,
  sse: /id: (?<cursor>\S+)\ndata: [^\n]*?"number":(?<number>\d+)[^\n]*\n\n|"gap":/g,
} as const;

/** What an end that clients do not come back after looks like. */
const completions = { ws: '"type":"complete"', sse: 'event: complete' } as const;

/** A close frame of a server with its code (RFC 6455 section 5.5.1). */
const closeOpcode = 0x88;

/** One subscriber of a feed that keeps the books of what comes, over one connection after the other. */
export class FeedReader {
  readonly #options: Omit<SubscriberOptions, 'onData' | 'onClose'>;
  readonly #waiting = new Set<{ readonly holds: () => boolean; readonly resolve: () => void }>();
  #subscriber: RawSubscriber | undefined;
  #rest = '';
  #last = 0;
  #cursor: string | undefined;
  #count = 0;
  #lost = 0;
  #repeated = 0;
  #gaps = 0;
  #end: FeedEnd | undefined;

  /** The first event that it counts is the one after number `last`. */
  constructor(options: Omit<SubscriberOptions, 'onData' | 'onClose'>, last = 0) {
    this.#options = options;
    this.#last = last;
  }

  get ledger(): FeedLedger {
    return { count: this.#count, lost: this.#lost, repeated: this.#repeated, gaps: this.#gaps };
  }

  /** The number of the newest event. */
  get last(): number {
    return this.#last;
  }

  /** Behind the newest event; undefined before the first. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Subscribes, after the last cursor if there is one; `url` is that of another instance. */
  async open(url: URL = this.#options.url): Promise<void> {
    this.#rest = '';
    this.#end = undefined;
    this.#subscriber = await openSubscriber({
      ...this.#options,
      url,
      resume: this.#cursor ?? this.#options.resume,
      onData: (chunk) => this.#read(chunk),
      onClose: () => this.#close(),
    });
  }

  /** Takes nothing from the socket any more. */
  pause(): void {
    this.#subscriber?.socket.pause();
  }

  resume(): void {
    this.#subscriber?.socket.resume();
  }

  /** Resolves when event `number` has come, or the connection has ended. */
  async until(number: number): Promise<void> {
    await this.#when(() => this.#last >= number || this.#end !== undefined);
  }

  /** Resolves when the subscription is known to run. */
  async untilLive(): Promise<void> {
    await this.#when(() => this.#isLive || this.#end !== undefined);
  }

  /** Resolves when the connection has ended. */
  async ended(): Promise<FeedEnd> {
    await this.#when(() => this.#end !== undefined);
    return this.#end ?? { closeCode: undefined, isComplete: false };
  }

  close(): void {
    this.#subscriber?.close();
  }

  #isLive = false;

  #read(chunk: Buffer): void {
    this.#rest += chunk.toString('latin1');
    const { transport } = this.#options;
    this.#isLive ||= this.#rest.includes(transport === 'ws' ? '"subscribed"' : '\n\nid: ');
    const pattern = patterns[transport];
    let from = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(this.#rest); match; match = pattern.exec(this.#rest)) {
      from = pattern.lastIndex;
      this.#take(match.groups?.['number'], match.groups?.['cursor']);
    }
    this.#rest = this.#rest.slice(from);
    this.#check();
  }

  #take(text: string | undefined, cursor: string | undefined): void {
    if (text === undefined) {
      this.#gaps += 1;
      return;
    }
    const number = Number(text);
    this.#count += 1;
    if (number <= this.#last) this.#repeated += 1;
    else {
      this.#lost += number - this.#last - 1;
      this.#last = number;
    }
    this.#cursor = cursor;
  }

  #close(): void {
    const tail = Buffer.from(this.#rest, 'latin1');
    const at = tail.lastIndexOf(closeOpcode);
    const hasCode = this.#options.transport === 'ws' && at >= 0 && at + 3 < tail.length;
    this.#end = {
      closeCode: hasCode ? tail.readUInt16BE(at + 2) : undefined,
      isComplete: this.#rest.includes(completions[this.#options.transport]),
    };
    this.#check();
  }

  #when(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add({ holds, resolve });
      this.#check();
    });
  }

  #check(): void {
    for (const waiter of this.#waiting) {
      if (!waiter.holds()) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }
}
