import type { Clock } from '../clock.ts';
import type { TopicHead } from './broker.ts';
import type { HistoryBounds } from './topic.ts';
import type { HistoryPage, PageBounds, StoredEvent } from './topic-store.ts';

interface Entry extends StoredEvent {
  readonly atMs: number;
}

/** The kept events of one topic in memory. Those that fall out of the bounds are let go at the next use. */
export class MemoryHistory {
  readonly bounds: HistoryBounds;
  readonly #epoch: string;
  readonly #clock: Clock;
  #entries: Entry[] = [];
  /** Entries before this one are let go; the array is cut when they are half of it, so that each costs O(1). */
  #start = 0;
  #bytes = 0;
  #offset = 0;
  #sequence: number | null = null;
  #usedAtMs: number;

  constructor(epoch: string, bounds: HistoryBounds, clock: Clock) {
    this.bounds = bounds;
    this.#epoch = epoch;
    this.#clock = clock;
    this.#usedAtMs = clock.nowMs();
  }

  get head(): TopicHead {
    return { epoch: this.#epoch, offset: this.#offset, sequence: this.#sequence };
  }

  /** Since it was last used. */
  get idleMs(): number {
    return this.#clock.nowMs() - this.#usedAtMs;
  }

  /** Counts as used now. */
  use(): void {
    this.#usedAtMs = this.#clock.nowMs();
  }

  append(payload: Uint8Array, sequence: number | undefined): void {
    this.#offset += 1;
    this.#bytes += payload.length;
    this.#sequence = sequence ?? this.#sequence;
    this.#entries.push({ offset: this.#offset, payload, atMs: this.#clock.nowMs() });
    this.#trim();
  }

  advance(sequence: number): void {
    this.#sequence = Math.max(this.#sequence ?? 0, sequence);
  }

  page(after: number, { maxEvents, maxBytes }: PageBounds): HistoryPage {
    this.#trim();
    const first = this.#offset + 1 - (this.#entries.length - this.#start);
    const rest = this.#entries.slice(this.#start + Math.max(0, after + 1 - first));
    const events: Entry[] = [];
    let pageBytes = 0;
    for (const entry of rest) {
      pageBytes += entry.payload.length;
      if (events.length >= maxEvents || (pageBytes > maxBytes && events.length > 0)) break;
      events.push(entry);
    }
    const bytesAfter = rest.reduce((sum, { payload }) => sum + payload.length, 0);
    return { head: this.head, first, bytesAfter, events };
  }

  #trim(): void {
    const oldestMs = this.#clock.nowMs() - this.bounds.maxAgeMs;
    for (let oldest = this.#entries[this.#start]; oldest; oldest = this.#entries[this.#start]) {
      const kept = this.#entries.length - this.#start;
      const isOver = kept > this.bounds.maxEvents || (this.#bytes > this.bounds.maxBytes && kept > 1);
      if (!isOver && oldest.atMs > oldestMs) break;
      this.#bytes -= oldest.payload.length;
      this.#start += 1;
    }
    if (this.#start > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
  }
}
