import type { Clock } from '../clock.ts';
import { WeirError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import { onAbort, unlessAborted } from '../signal.ts';
import { backOff } from './back-off.ts';
import type { Gap, GapReason, Position, Subscription, SubscriptionStart, TopicListener } from './broker.ts';
import type { Judge } from './contiguity.ts';
import type { Gate } from './gate.ts';
import { type Backlog, emptyBacklog, extendBacklog, pageBounds } from './replay.ts';
import { Seat } from './seat.ts';
import type { Topic } from './topic.ts';
import type { Announcement, HistoryPage, PageBounds, TopicStore } from './topic-store.ts';

/** What the feeds of one broker share. */
export interface FeedHost {
  readonly store: TopicStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly judge: Judge;
  /** Most that one backlog may hold. */
  readonly replayBounds: PageBounds;
  /** How many backlogs may be in memory at once. */
  readonly replayGate: Gate;
  /** The last listener has left: the feed is closed. */
  readonly onEmpty: (feed: TopicFeed) => void;
}

/**
 * `opening`: the store is asked where the topic stands. `live`: announcements are delivered as they come. `verifying`:
 * something may be missing, the history is read. Announcements wait in both others. `closed`: nothing comes any more.
 */
type Phase = 'opening' | 'live' | 'verifying' | 'closed';

/** Announcements that wait for a verification. The history has those above: they are let go, and read again. */
const maxWaiting = 256;

const headOnly: PageBounds = { maxEvents: 0, maxBytes: 0 };
const retry = { firstMs: 50, maxMs: 2000 };

/** One topic at one instance: its announcements made contiguous, and the listeners that share them. */
export class TopicFeed {
  readonly topic: Topic;
  readonly #host: FeedHost;
  readonly #seats = new Set<Seat>();
  readonly #closing = new AbortController();
  readonly #opened: Promise<void>;
  #phase: Phase = 'opening';
  /** Everything up to here was delivered, or its loss was told. */
  #position: Position = { epoch: '', offset: 0 };
  #waiting: Announcement[] = [];
  #mustVerify = false;
  #verifying: Promise<void> | undefined;
  /** Seats, and listeners that are about to have one. */
  #attached = 0;

  constructor(topic: Topic, host: FeedHost) {
    this.topic = topic;
    this.#host = host;
    this.#opened = this.#open();
    // Every listener that waits for it hears of its failure; when all have left, nobody needs to.
    this.#opened.catch(() => {});
  }

  /** Gives the listener a seat once the feed is live and its backlog, if it asks for one, is whole. */
  async join(listener: TopicListener): Promise<Subscription> {
    listener.signal.throwIfAborted();
    const seat = new Seat(listener, this.#host.log, () => {
      unlink();
      this.#leave(seat);
    });
    const close = () => seat.leave();
    const unlink = onAbort(listener.signal, close);
    this.#attached += 1;
    try {
      return { ...(await this.#begin(seat)), close };
    } catch (thrown) {
      close();
      throw thrown;
    }
  }

  /** Takes what the store announced. */
  announce(announcement: Announcement): void {
    if (this.topic.mode === 'lossy') {
      this.#give(null, announcement.payload);
      return;
    }
    if (this.#phase === 'live' && this.#accept(announcement)) return;
    this.#wait(announcement);
    // It retries until it succeeds or the feed closes.
    if (this.#phase === 'live') this.verify().catch(() => {});
  }

  /** Compares with the store and fetches what is missing; resolves when that is done, however often it has to try. */
  verify(): Promise<void> {
    if (this.#phase === 'closed' || this.topic.mode === 'lossy') return Promise.resolve();
    // For one that is under way: what it has read may be older than what is asked about now.
    this.#mustVerify = true;
    if (this.#phase === 'opening') return this.#opened;
    this.#verifying ??= this.#verifyUntilDone();
    return this.#verifying;
  }

  /** Ends every subscription. Idempotent. */
  close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#waiting = [];
    this.#closing.abort();
    for (const seat of this.#seats) seat.end('brokerClosed');
  }

  async #open(): Promise<void> {
    const { store } = this.#host;
    await store.listen(this.topic.key);
    if (this.topic.mode !== 'lossy')
      this.#position = positionOf((await store.read(this.topic, 0, headOnly)).head);
    await this.#catchUp();
  }

  async #begin(seat: Seat): Promise<SubscriptionStart> {
    const { after, signal } = seat.listener;
    await this.#whenLive(signal);
    if (this.topic.mode === 'lossy') return this.#place(seat, lossyStart(after));
    const isFromNow = after === undefined && this.topic.mode === 'log';
    const wanted = isFromNow ? this.#position : (after ?? { ...this.#position, offset: 0 });
    if (isSame(wanted, this.#position)) return this.#place(seat, { recovered: true, position: wanted });
    return this.#host.replayGate.run(() => this.#replay(seat, wanted), signal);
  }

  /** Reads up to where the feed stands, or past it: only then nothing can come between backlog and announcements. */
  async #replay(seat: Seat, after: Position): Promise<SubscriptionStart> {
    const { store, replayBounds } = this.#host;
    const { signal } = seat.listener;
    let backlog = emptyBacklog(after);
    for (;;) {
      const replay = await unlessAborted(extendBacklog(store, this.topic, backlog, replayBounds), signal);
      if (!replay.ok) return this.#placeWithout(seat, replay.reason);
      backlog = replay.backlog;
      // A new epoch that the feed has not seen: it tells those who are here before this listener joins them.
      if (backlog.position.epoch !== this.#position.epoch) await unlessAborted(this.verify(), signal);
      await this.#whenLive(signal);
      const { epoch, offset } = backlog.position;
      const isReached = epoch === this.#position.epoch && offset >= this.#position.offset;
      if (!isReached) continue;
      const until = seat.listener.after && { until: backlog.position };
      return this.#place(seat, { recovered: true, position: after, ...until }, backlog);
    }
  }

  async #placeWithout(seat: Seat, reason: GapReason): Promise<SubscriptionStart> {
    const { after, signal } = seat.listener;
    if (reason === 'epoch') await unlessAborted(this.verify(), signal);
    await this.#whenLive(signal);
    // Who asked for nothing but the current value, when there is none, misses nothing.
    const outcome =
      after === undefined ? { recovered: true as const } : { recovered: false as const, reason };
    return this.#place(seat, { ...outcome, position: this.#position });
  }

  /** All in one turn: no announcement comes between the start, the backlog and the seat. */
  #place(seat: Seat, start: SubscriptionStart, backlog?: Backlog): SubscriptionStart {
    seat.start(start);
    for (const { offset, payload } of backlog?.events ?? []) {
      seat.deliver({ position: { epoch: backlog?.position.epoch ?? '', offset }, payload });
    }
    if (!seat.isLeft) this.#seats.add(seat);
    return start;
  }

  async #whenLive(signal: AbortSignal): Promise<void> {
    await unlessAborted(this.#opened, signal);
    while (this.#verifying !== undefined) await unlessAborted(this.#verifying, signal);
    if (this.#phase === 'closed')
      throw new WeirError('CANCELLED', { message: 'The event broker was closed.' });
  }

  async #verifyUntilDone(): Promise<void> {
    const { clock, random, log } = this.#host;
    this.#phase = 'verifying';
    for (let attempt = 1; this.#isOpen(); attempt += 1) {
      try {
        this.#mustVerify = true;
        return await this.#catchUp();
      } catch (thrown) {
        if (attempt === 1) log.warn({ err: thrown }, 'A topic could not be verified; it is tried again.');
        await backOff(attempt, { clock, random, ...retry }, this.#closing.signal);
      }
    }
  }

  async #catchUp(): Promise<void> {
    while (this.#isOpen() && !this.#settle()) {
      this.#mustVerify = false;
      let isAtHead = false;
      while (this.#isOpen() && !isAtHead) {
        isAtHead = this.#take(await this.#host.store.read(this.topic, this.#position.offset, pageBounds));
      }
    }
  }

  /** Delivers what waited and goes live in one turn, unless there is something to verify first. */
  #settle(): boolean {
    if (this.#mustVerify) return false;
    const waiting = this.#waiting;
    this.#waiting = [];
    // Those after one that does not fit are in the history too, where the next verification finds them.
    this.#mustVerify = !waiting.every((announcement) => this.#accept(announcement));
    if (this.#mustVerify) return false;
    this.#phase = 'live';
    this.#verifying = undefined;
    return true;
  }

  /** Delivers a page that continues the feed's position; false: read on. */
  #take({ head, first, events }: HistoryPage): boolean {
    if (!this.#isOpen()) return true;
    const isOtherEpoch = head.epoch !== this.#position.epoch;
    const isTrimmed = this.topic.mode === 'log' && first > this.#position.offset + 1;
    if (isOtherEpoch || isTrimmed) {
      const position = { epoch: head.epoch, offset: first - 1 };
      this.#tell({ reason: isOtherEpoch ? 'epoch' : 'trimmed', position });
    }
    // A page of another epoch was read after an offset that means nothing there.
    if (isOtherEpoch) return this.#position.offset === head.offset;
    for (const event of events) this.#give({ epoch: head.epoch, offset: event.offset }, event.payload);
    // The value may have aged away: what is not kept cannot be waited for.
    if (this.topic.mode === 'latest') this.#position = positionOf(head);
    return this.#position.offset === head.offset;
  }

  /** True when the announcement is done with. */
  #accept({ epoch, offset, payload }: Announcement): boolean {
    const verdict = this.#host.judge(this.topic.mode, this.#position, { epoch, offset });
    if (verdict === 'deliver') this.#give({ epoch, offset }, payload);
    return verdict !== 'verify';
  }

  #give(position: Position | null, payload: Uint8Array): void {
    if (position !== null) this.#position = position;
    const event = { position, payload };
    for (const seat of this.#seats) seat.deliver(event);
  }

  #tell(gap: Gap): void {
    this.#position = gap.position;
    for (const seat of this.#seats) seat.gap(gap);
  }

  #wait(announcement: Announcement): void {
    if (!this.#isOpen()) return;
    if (this.#waiting.length === maxWaiting) {
      this.#waiting = [];
      this.#mustVerify = true;
    }
    this.#waiting.push(announcement);
  }

  #leave(seat: Seat): void {
    this.#seats.delete(seat);
    this.#attached -= 1;
    if (this.#attached > 0 || !this.#isOpen()) return;
    this.close();
    this.#host.onEmpty(this);
  }

  /** Asked as a question, since any await may have closed the feed. */
  #isOpen(): boolean {
    return this.#phase !== 'closed';
  }
}

function lossyStart(after: Position | undefined): SubscriptionStart {
  return after === undefined
    ? { recovered: true, position: null }
    : { recovered: false, reason: 'lossy', position: null };
}

function isSame(one: Position, other: Position): boolean {
  return one.epoch === other.epoch && one.offset === other.offset;
}

function positionOf({ epoch, offset }: Position): Position {
  return { epoch, offset };
}
