import { setTimeout as delay } from 'node:timers/promises';
import { intBetween, pickOne, type Random } from '../../../seed/random.ts';
import { Ledger } from '../../chaos/broker-ledger.ts';
import {
  type Received,
  type Subscribe,
  type Subscriber,
  subscribeByEventSource,
  subscribeByWs,
  type Wanted,
} from '../subscriber.ts';

/** By what a reader reads; `switching` changes between both each time that it comes back. */
export const readerKinds = {
  ws: [subscribeByWs],
  sse: [subscribeByEventSource],
  switching: [subscribeByWs, subscribeByEventSource],
} as const satisfies Readonly<Record<string, readonly Subscribe[]>>;

/** What one reader needs. */
export interface LedgerReaderOptions {
  readonly kind: keyof typeof readerKinds;
  /** What it subscribes to. */
  readonly wanted: Omit<Wanted, 'resume'>;
  /** The number that a result tells; undefined: it should tell none. */
  readonly numberOf: (data: Record<string, unknown>) => number | undefined;
  /** Whether each event has a cursor; one without is a fault then, and else what follows a break is lost. */
  readonly hasCursors: boolean;
  /** Addresses of the servers. */
  readonly urls: readonly string[];
  readonly random: Random;
  /** It leaves by itself after so long, at least and at most, in milliseconds. Default 100 to 3,000. */
  readonly stayMs?: readonly [number, number];
}

/** How long a subscription may take to be live before the reader tries another gateway, in milliseconds. */
const liveWithinMs = 4000;

/**
 * A client that reads numbered events by unmodified clients: it comes back with its last cursor whenever it is cut off, and often
 * leaves by itself, each time at any server; and keeps a ledger of the numbers that it is told.
 */
export class LedgerReader {
  readonly ledger = new Ledger();
  readonly kind: LedgerReaderOptions['kind'];
  /** What it does, for people. */
  state = 'nothing yet';
  /** Subscriptions that went on from a cursor. */
  resumed = 0;
  /** Refusals and results that should not be: each is told once. */
  readonly faults = new Set<string>();
  readonly #options: LedgerReaderOptions;
  #cursor: string | undefined;
  #target = Number.POSITIVE_INFINITY;

  constructor(options: LedgerReaderOptions) {
    this.#options = options;
    this.kind = options.kind;
  }

  /** Reads until it has seen the number of {@link finishAt}. */
  async run(): Promise<void> {
    while (!this.isFinished) {
      await this.#readOnce();
      if (!this.isFinished) await delay(intBetween(this.#options.random, 10, 100));
    }
  }

  finishAt(number: number): void {
    this.#target = number;
  }

  get isFinished(): boolean {
    return this.ledger.last >= this.#target;
  }

  async #readOnce(): Promise<void> {
    const { kind, wanted, urls, random } = this.#options;
    const by = pickOne<Subscribe>(random, readerKinds[kind]);
    this.state = `asks by ${by.name}`;
    const resume = this.#cursor === undefined ? {} : resumeFrom(this.#cursor, wanted.headers);
    await using subscriber = by(pickOne(random, urls), { ...wanted, ...resume });
    // Most servers do not tell that a subscription is live: its first event does.
    const live = await before(liveWithinMs, Promise.race([subscriber.live, subscriber.first]));
    this.state = `is live: ${JSON.stringify(live)}`;
    if (live === undefined) return this.#lookForRefusal(subscriber);
    if (this.#cursor !== undefined) this.resumed += 1;
    this.#cursor ??= live.cursor;
    await this.#readEvents(subscriber, live.cursor);
  }

  async #readEvents(subscriber: Subscriber, start: string | undefined): Promise<void> {
    const { random, stayMs = [100, 3000] } = this.#options;
    const leaveMs = performance.now() + intBetween(random, ...stayMs);
    while (!this.isFinished) {
      const leftMs = leaveMs - performance.now();
      const next = leftMs > 0 ? await before(leftMs, subscriber.next()) : undefined;
      if (next === undefined) return;
      const isFirst = next === subscriber.received[0];
      this.#take(next, isFirst ? start : undefined);
    }
  }

  /** `start` is where the subscription began, if what was missed before is what this tells of. */
  #take({ data, errors, extensions, cursor }: Received, start: string | undefined): void {
    if (extensions?.['gap']) {
      this.ledger.gap();
      this.#cursor = start ?? this.#cursor;
      return;
    }
    const number = data ? this.#options.numberOf(data) : undefined;
    if (number === undefined) {
      // A subscription may be refused while what it needs is away; the end of its stream follows.
      if (data !== undefined || errors === undefined) this.faults.add(JSON.stringify({ data, errors }));
      this.#note(errors);
      return;
    }
    this.ledger.event(number);
    if (cursor === undefined && this.#options.hasCursors) this.faults.add('an event without a cursor');
    this.#cursor = cursor;
  }

  #lookForRefusal({ received }: Subscriber): void {
    for (const { errors } of received) this.#note(errors);
  }

  /** What may be refused under faults is retryable: anything else is a fault of its own. */
  #note(errors: Received['errors']): void {
    for (const { message, extensions } of errors ?? [])
      if (!retryable.has(String(extensions['code']))) this.faults.add(`${extensions['code']}: ${message}`);
  }
}

/** Event streams of other servers know the header alone (HTML, section 9.2.4). */
function resumeFrom(cursor: string, headers: Wanted['headers']): Partial<Wanted> {
  return { resume: cursor, ...(headers && { headers: { ...headers, 'last-event-id': cursor } }) };
}

const retryable: ReadonlySet<string> = new Set([
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_TIMEOUT',
  'OVERLOADED',
  'CANCELLED',
]);

/** Undefined when it takes longer than `ms`, or fails. */
async function before<Outcome>(ms: number, work: Promise<Outcome>): Promise<Outcome | undefined> {
  const waiting = new AbortController();
  const late = delay(ms, undefined, { signal: waiting.signal }).catch(() => undefined);
  const outcome = await Promise.race([work.catch(() => undefined), late]);
  waiting.abort();
  return outcome;
}
