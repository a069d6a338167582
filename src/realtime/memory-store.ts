import type { Clock } from '../clock.ts';
import type { EventOptions, Published, TopicHead } from './broker.ts';
import { MemoryHistory } from './memory-history.ts';
import type { Topic } from './topic.ts';
import type { Announcement, HistoryPage, PageBounds, StoreEvents, TopicStore } from './topic-store.ts';

/** What a store in memory is made of. */
export interface MemoryStoreOptions extends StoreEvents {
  readonly clock: Clock;
  /** A new epoch's name, never given before. */
  readonly nextEpoch: () => string;
  /** Topics with a history, from 1; the longest unused is forgotten above it, and begins a new epoch if it comes back. */
  readonly maxTopics: number;
}

/** How long a topic is remembered past its events, so that an unused cursor is known for complete or not. */
const rememberMs = 60 * 60 * 1000;

/** Topics of this process alone: they end with it. Announcements come in a later turn than `publish`, in order. */
export class MemoryStore implements TopicStore {
  readonly #options: MemoryStoreOptions;
  readonly #listened = new Set<string>();
  /** In order of last use. */
  readonly #histories = new Map<string, MemoryHistory>();

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
  }

  async publish(topic: Topic, payload: Uint8Array, { sequence, after }: EventOptions): Promise<Published> {
    if (topic.mode === 'lossy') {
      this.#announce(topic.key, { epoch: '', offset: 0, payload });
      return { position: null, isDuplicate: false };
    }
    if (after !== undefined && after > (this.#historyOf(topic).head.sequence ?? after))
      this.#histories.delete(topic.key);
    const history = this.#historyOf(topic);
    const isDuplicate = sequence !== undefined && sequence <= (history.head.sequence ?? 0);
    if (!isDuplicate) history.append(payload, sequence);
    const { epoch, offset } = history.head;
    if (!isDuplicate) this.#announce(topic.key, { epoch, offset, payload });
    return { position: { epoch, offset }, isDuplicate };
  }

  async read(topic: Topic, after: number, bounds: PageBounds): Promise<HistoryPage> {
    return this.#historyOf(topic).page(after, bounds);
  }

  async advance(topic: Topic, sequence: number, after: number | undefined): Promise<void> {
    if (after !== undefined && after > (this.#historyOf(topic).head.sequence ?? after))
      await this.restart(topic);
    this.#historyOf(topic).advance(sequence);
  }

  async restart(topic: Topic): Promise<TopicHead> {
    this.#histories.delete(topic.key);
    const { head } = this.#historyOf(topic);
    this.#announce(topic.key, { epoch: head.epoch, offset: 0, payload: new Uint8Array() });
    return head;
  }

  async listen(key: string): Promise<void> {
    this.#listened.add(key);
  }

  unlisten(key: string): void {
    this.#listened.delete(key);
  }

  async close(): Promise<void> {
    this.#listened.clear();
    this.#histories.clear();
  }

  #historyOf(topic: Topic): MemoryHistory {
    const { clock, nextEpoch } = this.#options;
    const known = this.#histories.get(topic.key);
    const history = known ?? new MemoryHistory(nextEpoch(), topic.history, clock);
    this.#histories.delete(topic.key);
    this.#histories.set(topic.key, history);
    history.use();
    this.#forgetUnused();
    return history;
  }

  #forgetUnused(): void {
    for (const [key, history] of this.#histories) {
      const isRecent = history.idleMs <= rememberMs + history.bounds.maxAgeMs;
      if (isRecent && this.#histories.size <= this.#options.maxTopics) return;
      this.#histories.delete(key);
    }
  }

  /** Not in the publisher's turn: a listener that publishes must not come between two listeners of one event. */
  #announce(key: string, announcement: Announcement): void {
    if (!this.#listened.has(key)) return;
    queueMicrotask(() => {
      if (this.#listened.has(key)) this.#options.onAnnouncement(key, announcement);
    });
  }
}
